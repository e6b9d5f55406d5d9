"""What the exit codes mean."""

DONE = 0
UNCERTIFIED = 1
BAD_INPUT = 2
INCOMPLETE = 3
BUG = 101
