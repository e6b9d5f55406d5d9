"""Errors that are the user's to mend: one clear line on stderr, never a traceback."""


class InputError(Exception):
    """Bad usage or bad input (exit code 2).

    The message says what happened, where, and what to do next, in one line.
    """
