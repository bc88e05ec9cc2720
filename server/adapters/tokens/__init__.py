"""Signing keys and the tokens made with them."""

from server.adapters.tokens.jwks import JWKS_PATH, jwks
from server.adapters.tokens.jwt import JwtAccessTokens
from server.adapters.tokens.key_folder import KeyFolder
from server.adapters.tokens.keys import KeyRing, SigningKey, ensure_keys, load_keys, page_token_secret

__all__ = [
    "JWKS_PATH",
    "JwtAccessTokens",
    "KeyFolder",
    "KeyRing",
    "SigningKey",
    "ensure_keys",
    "jwks",
    "load_keys",
    "page_token_secret",
]
