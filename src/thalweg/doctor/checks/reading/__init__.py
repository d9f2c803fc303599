"""What several checks read off a record."""
