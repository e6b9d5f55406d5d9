"""What others write to standard output does not come out; what we write does."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import ctypes, os, sys
from nnce_cli.base.streams import silent_stdout

libc = ctypes.CDLL(None)
sys.stdout.write("before\\n")
libc.printf(b"before in C\\n")
with silent_stdout():
    print("Python")
    os.write(1, b"descriptor\\n")
    libc.printf(b"C\\n")  # kept back, as its output is a pipe
    with silent_stdout():
        libc.puts(b"nested")
    libc.puts(b"after nested")
try:
    with silent_stdout():
        libc.puts(b"failing")
        raise KeyError
except KeyError:
    pass
print("after", flush=True)
os.close(1)
with silent_stdout():
    print("closed", file=sys.stderr)
"""


def test_others_are_silent_and_we_are_not():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n") == ["before", "before in C", "after", ""]
    assert done.stderr.startswith("closed")
