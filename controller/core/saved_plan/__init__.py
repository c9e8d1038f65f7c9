"""Plans saved to a file: their format, and what has changed since."""
