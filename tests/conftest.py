"""What all drawn tests have in common; see also `tests.strategies.examples`."""

import os

from hypothesis import settings

# Examples take longer on a busy machine. They are the same each time, unless more are asked for.
settings.register_profile(
    "nnce", deadline=None, derandomize=float(os.environ.get("NNCE_EXAMPLES") or 1) <= 1
)
settings.load_profile("nnce")
