"""What is wrong with a manifest, and what to do about it."""
