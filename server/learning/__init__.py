"""Spaced repetition: cards, the log of reviews that they are replayed from, settings, the queue, synchronisation."""
