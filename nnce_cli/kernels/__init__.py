"""Compiled functions on plain arrays; they allocate nothing large and know no files."""
