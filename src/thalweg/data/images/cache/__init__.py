"""The decode cache: pictures decoded once, kept in one file that later runs map into memory."""
