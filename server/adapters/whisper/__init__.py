"""Speech to text by Whisper on CTranslate2, and voice activity by Silero."""
