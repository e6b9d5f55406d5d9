"""The command ``nnce check``."""
