"""Pure rules of learning: no I/O, no clock, no chance."""
