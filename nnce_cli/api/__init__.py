"""What a notebook or a script works with; `nnce_cli` itself has these names."""
