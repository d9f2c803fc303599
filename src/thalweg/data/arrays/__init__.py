"""Arrays and tensors, in memory, in files and in torch's data sets."""
