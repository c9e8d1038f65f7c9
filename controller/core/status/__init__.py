"""The entries of sidecars: build, parse and merge them."""
