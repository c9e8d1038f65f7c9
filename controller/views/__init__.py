"""Values rendered for people and programs."""
