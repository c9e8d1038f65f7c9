"""Running a pass from the command line, and plan files."""
