"""What every part may use and none owns: choices, names, seeds, files, numbers for people."""
