"""Count 10^8 cells of an image-sized network: ``python -m benchmarks.hundred_million``.

The network has 784 inputs in [0, 1], as a picture of 28 x 28 pixels has, and hidden layers of 14
and 17 neurons; its weights come from the seed of `benchmarks.networks`. `nnce estimate` forecast
1.22e8 to 1.26e8 cells. It is counted with two workers, certified. The result is kept with those of
`benchmarks.growth`.
"""

from __future__ import annotations

from benchmarks.growth import measure_and_keep

NETWORK = "image-784-14-17"


def main() -> None:
    """Count, print, keep."""
    row = measure_and_keep(NETWORK)
    minutes, megabytes = row["seconds"] / 60, row["memory"]["pss"] / 1e6
    print(f"{row['cells'] / 1e8:.2f}e8 cells, {minutes:.1f} minutes, {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
