"""Floor 2: what a velocity map is, and every format in and out."""
