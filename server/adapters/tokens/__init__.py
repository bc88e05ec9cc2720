"""Signing keys and the tokens made with them."""

from server.adapters.tokens.jwt import JwtAccessTokens
from server.adapters.tokens.keys import KeyRing, SigningKey, ensure_keys, load_keys, page_token_secret

__all__ = ["JwtAccessTokens", "KeyRing", "SigningKey", "ensure_keys", "load_keys", "page_token_secret"]
