"""Content: the sentences that people learn with."""
