"""Floor 5: networks, their weights on disk and their ONNX form (needs torch)."""
