"""Reading what people upload to be imported: in a limited process, as it may be hostile."""
