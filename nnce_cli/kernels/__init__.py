"""Compiled functions on plain arrays; they allocate nothing large and know no files."""

__all__ = ["compiled"]


def compiled() -> bool:
    """Tell whether the machine code of the walk is in the cache already."""
    from nnce_cli.kernels.jit import cache_folder

    return any(cache_folder().glob("**/walk.walk-*.nbc"))
