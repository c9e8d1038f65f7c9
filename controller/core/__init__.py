"""Pure rules: no service, file, clock or log."""
