"""Augmentation: each epoch sees every picture a little differently; one idea per file."""
