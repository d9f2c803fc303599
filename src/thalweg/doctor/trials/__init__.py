"""Experiments on copies: the user's network, optimizer, data and random state are never touched."""
