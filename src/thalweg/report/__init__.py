"""The page of a run: one file of HTML that needs no network."""

from thalweg.report._page import write_page

__all__ = ["write_page"]
