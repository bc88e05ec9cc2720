"""Fits the weights of FSRS with fsrs-rs."""
