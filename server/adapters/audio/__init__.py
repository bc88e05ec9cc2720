"""Audio formats: streams of PCM, files of any kind, files for storage."""
