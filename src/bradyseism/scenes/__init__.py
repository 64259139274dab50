"""Floor 3: seeded simulation of maps with their truth."""
