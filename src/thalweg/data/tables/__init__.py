"""Columns: files and frames, what their cells are, and how each becomes numbers."""
