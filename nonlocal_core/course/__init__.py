"""The course: its steps with their words, what each shows on a clip, and the file that takes it along."""
