"""Measurements. Each program prints one JSON object a line: the machine first, then a figure a line."""
