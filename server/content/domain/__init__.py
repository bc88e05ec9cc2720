"""The rules of content. Pure."""
