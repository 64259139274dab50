"""Floor 9: whole jobs out of the floors below."""
