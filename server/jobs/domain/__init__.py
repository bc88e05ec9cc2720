"""Pure rules of jobs."""
