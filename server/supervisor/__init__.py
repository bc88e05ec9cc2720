"""Kaiwa on one machine: PostgreSQL, server, worker and Envoy, started, watched and stopped together."""
