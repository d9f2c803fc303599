"""The command line: it reads arguments and prints results; the work is done by the verbs."""

from thalweg.cli._app import main

__all__ = ["main"]
