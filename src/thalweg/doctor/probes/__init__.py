"""From tensors to a few plain numbers."""
