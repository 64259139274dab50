"""Floor 7: runs a trained detector over a map; numpy and onnxruntime, no torch."""
