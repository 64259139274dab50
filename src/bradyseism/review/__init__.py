"""Floor 10: pages and pictures for the expert who reviews what the detector flagged."""
