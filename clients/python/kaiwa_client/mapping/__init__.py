"""The only modules, with those that call, that know protobuf."""
