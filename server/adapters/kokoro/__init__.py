"""Kokoro: natural Japanese voices on the CPU."""
