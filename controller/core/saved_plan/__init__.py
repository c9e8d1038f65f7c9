"""Plans saved to a file: the file format, and the changes since it was written."""
