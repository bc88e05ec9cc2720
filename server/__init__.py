"""Kaiwa's server: the services, the edge that serves them and the adapters behind them."""
