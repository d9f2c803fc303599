"""Weights that others have trained: read from a local file, fetched only when asked for."""
