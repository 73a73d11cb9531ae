"""The mark: a task that only a look at another place can solve, and the paper's findings measured by it."""
