"""The public keys as a JSON Web Key Set (RFC 7517; Ed25519 as RFC 8037 has it)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from server.adapters.tokens.keys import ALGORITHM, SigningKey

JWKS_PATH = "/.well-known/jwks.json"


def jwks(keys: Iterable[SigningKey]) -> bytes:
    """The document that is published at `JWKS_PATH`, with the public halves only."""
    return json.dumps({"keys": [_jwk(key) for key in keys]}).encode()


def _jwk(key: SigningKey) -> dict[str, str]:
    public = base64.urlsafe_b64encode(key.public.public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": key.id, "alg": ALGORITHM, "use": "sig"}
