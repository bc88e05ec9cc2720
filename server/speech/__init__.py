"""Speech: practices, transcription, speaking history."""
