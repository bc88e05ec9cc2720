"""The pure rules of speech: morae, comparison, grading, and the state of a practice."""
