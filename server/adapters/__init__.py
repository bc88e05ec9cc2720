"""What stands behind the ports: PostgreSQL, the object store, tokens, speech engines, the clock."""
