"""YAML text through libyaml."""
