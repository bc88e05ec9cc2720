"""Open JTalk: readings, words and instant synthesis."""
