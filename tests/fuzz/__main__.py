"""Fuzzing of one reader with coverage: ``python -m tests.fuzz TARGET CORPUS SECONDS``.

What is found stays as a file ``crash-…`` in the corpus folder, which a later call begins with.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import atheris

# The finder of an installation in place has loaders that cannot be instrumented; the package is
# in this folder, too.
sys.meta_path = [f for f in sys.meta_path if not type(f).__module__.startswith("_editable")]
with atheris.instrument_imports(include=["nnce_cli"]):
    from tests.fuzz.targets import TARGETS, attempt

LARGEST = 1 << 15  # bytes of an input
SLOWEST = 20  # seconds that an input may take
MEMORY = 2048  # MB


def main() -> None:
    """Fuzz the target that the command line names."""
    name, corpus, seconds = sys.argv[1:]
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["nnce_cli"]):  # what is loaded when it is used
        for number, seed in enumerate(TARGETS[name].seeds()):
            (folder / f"seed-{number}").write_bytes(seed)
            attempt(name, seed)
    warnings.simplefilter("ignore")
    options = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={LARGEST}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEMORY}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        str(folder),
    ]
    atheris.Setup(options, lambda data: attempt(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
