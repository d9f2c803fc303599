"""Sets that need no file: scikit-learn's real ones, generated points, drawn characters."""
