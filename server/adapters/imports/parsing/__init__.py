"""Parsers of uploaded files. They run in the limited process only, on plain values that go through a pipe as JSON."""
