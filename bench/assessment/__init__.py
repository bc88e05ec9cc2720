"""Measures the assessment of pronunciation, and derives its parameters."""
