"""Phoneme-transition probabilities by Domino (Dwango Media Village, MIT) on ONNX Runtime."""
