"""Run the command line: the script ``nnce``, and ``python -m nnce_cli``."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from nnce_cli.cli import main


def run() -> NoReturn:
    """Run the command line and end the process.

    Where nobody else is left in it, it ends without taking the libraries apart again, which takes
    as long as loading some of them.
    """
    try:
        main()
    except SystemExit as ending:
        if threading.active_count() > 1 or "multiprocess" in sys.modules:
            raise
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        os._exit(int(ending.code or 0))


if __name__ == "__main__":
    run()
