"""Measures the speech engine over the real port: `python -m bench.speech`."""
