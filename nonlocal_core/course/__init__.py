"""The course: the text of its steps, the facts that each shows on a clip, and the file that holds it all."""
