"""Pictures: folders, files and binary formats, decoded to one size; turned in training."""
