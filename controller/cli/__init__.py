"""Commands that parse, wire and print, and decide nothing."""
