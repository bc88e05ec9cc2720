"""Each service put together: the parts of the composition root."""
