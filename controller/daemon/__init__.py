"""The long-running controller: its loop and its work queue."""
