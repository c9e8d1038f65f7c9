"""The machine: its clock, logs, locks, files and service manager."""
