"""One repository an aggregate. Each takes the session of a unit of work and speaks in domain dataclasses."""
