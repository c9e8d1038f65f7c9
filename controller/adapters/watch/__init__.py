"""Changes of files: events, polling and debouncing."""
