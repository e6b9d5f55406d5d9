"""The engine that walks tasks on a Dask cluster (docs/cluster.md)."""
