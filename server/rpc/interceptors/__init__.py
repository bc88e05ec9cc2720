"""The layers around every call, outer to inner: request context, access log, errors, auth, limits, validation."""
