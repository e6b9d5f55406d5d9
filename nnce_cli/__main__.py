"""Run the command line with ``python -m nnce_cli``."""

from nnce_cli.cli import main

if __name__ == "__main__":
    main()
