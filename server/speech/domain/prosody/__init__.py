"""Pitch, accent, rhythm and fluency of speech whose morae are known."""
