"""Access tokens as JSON Web Tokens (RFC 9068's header type, EdDSA signatures)."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.accounts.ports import AccessClaims
from server.adapters.tokens.keys import ALGORITHM, SigningKey
from server.errors import Reason, Unauthenticated
from server.kernel.identity import SessionId, UserId

_TYPE = "at+jwt"
_REQUIRED = ["iss", "aud", "sub", "sid", "iat", "exp"]


class Keys(Protocol):
    """The keys that are accepted, as they are at this moment."""

    @property
    def signer(self) -> SigningKey:
        """The key that signs new tokens."""
        ...

    def verifier(self, key_id: str) -> tuple[str, Ed25519PublicKey] | None:
        """The one algorithm that a key is accepted with, and its public half; None for an unknown id."""
        ...


class JwtAccessTokens:
    """Signs and verifies access tokens.

    Args:
        keys: the keys that are accepted; the newest signs.
        issuer: who makes the tokens; no other issuer's are accepted.
        audience: who they are for; none for others are accepted.
    """

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    def issue(self, claims: AccessClaims, now: datetime) -> str:
        """A signed token that says `claims`. Its times are cut to whole seconds."""
        key = self._keys.signer
        return jwt.encode(
            {
                "iss": self._issuer,
                "aud": self._audience,
                "sub": claims.user_id,
                "sid": claims.session_id,
                "iat": math.floor(now.timestamp()),
                "exp": math.floor(claims.expires_at.timestamp()),
            },
            key.private,
            algorithm=ALGORITHM,
            headers={"kid": key.id, "typ": _TYPE},
        )

    def verify(self, token: str) -> AccessClaims:
        """What a token says; whether it has expired is for the caller to see, who knows the time.

        Raises:
            Unauthenticated: TOKEN_INVALID.
        """
        try:
            header = jwt.get_unverified_header(token)
            verifier = self._keys.verifier(str(header.get("kid", "")))
            if verifier is None or header.get("typ") != _TYPE:
                raise _invalid()
            algorithm, public = verifier
            claims = jwt.decode(
                token,
                public,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            return AccessClaims(
                UserId(str(uuid.UUID(claims["sub"]))),
                SessionId(str(uuid.UUID(claims["sid"]))),
                datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise _invalid() from None


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        Reason.TOKEN_INVALID,
        "The access token is malformed, forged, or not meant for this server.",
    )
