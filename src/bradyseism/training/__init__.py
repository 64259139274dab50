"""Floor 6: one training loop, and the stages that run it (needs torch and lightning)."""
