"""Floor 8: how good a detector is, in numbers that carry their uncertainty."""
