"""What is printed: the console, exit codes and reports."""
