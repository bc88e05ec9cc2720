"""Speech between the contract and the domain: what comes in (`requests`), what goes out (`events`, `results`)."""
