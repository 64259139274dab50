"""Everything that goes out to files, whole or not at all."""
