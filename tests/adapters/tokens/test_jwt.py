"""Access tokens: what they say, and every way in which they are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from server.accounts.ports import AccessClaims
from server.adapters.tokens import JwtAccessTokens, KeyRing, SigningKey, ensure_keys
from server.errors import Reason, Unauthenticated
from server.kernel.identity import SessionId, UserId
from tests.support.kernel import NOON, CountingIds

CLAIMS = AccessClaims(
    UserId("0198c0de-0000-7000-9000-000000000001"),
    SessionId("0198c0de-0000-7000-a000-000000000001"),
    NOON + timedelta(minutes=15),
)
BODY: Mapping[str, Any] = {
    "iss": "kaiwa",
    "aud": "kaiwa",
    "sub": CLAIMS.user_id,
    "sid": CLAIMS.session_id,
    "iat": int(NOON.timestamp()),
    "exp": int(CLAIMS.expires_at.timestamp()),
}
KEY = SigningKey("key-1", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
NEWER_KEY = SigningKey("key-2", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
TOKENS = JwtAccessTokens(KeyRing((KEY,)), issuer="kaiwa", audience="kaiwa")


def refused(token: str, tokens: JwtAccessTokens = TOKENS) -> None:
    with pytest.raises(Unauthenticated) as error:
        tokens.verify(token)
    assert error.value.reason is Reason.TOKEN_INVALID
    assert error.value.__cause__ is None


def forge(
    body: Mapping[str, Any] = BODY,
    key: Any = KEY.private,
    algorithm: str = "EdDSA",
    kid: str = "key-1",
    typ: str = "at+jwt",
) -> str:
    return jwt.encode(dict(body), key, algorithm=algorithm, headers={"kid": kid, "typ": typ})


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_says_what_it_was_made_to_say() -> None:
    assert TOKENS.verify(TOKENS.issue(CLAIMS, NOON)) == CLAIMS
    assert TOKENS.verify(forge()) == CLAIMS


def test_times_are_cut_to_seconds() -> None:
    odd = replace(CLAIMS, expires_at=CLAIMS.expires_at + timedelta(milliseconds=900))

    assert TOKENS.verify(TOKENS.issue(odd, NOON)) == CLAIMS


def test_expiry_is_for_the_caller_to_see_who_knows_the_time() -> None:
    past = replace(CLAIMS, expires_at=NOON.replace(year=2001))

    assert TOKENS.verify(TOKENS.issue(past, NOON)) == past


def test_the_newest_key_signs_and_all_verify() -> None:
    rotated = JwtAccessTokens(KeyRing((KEY, NEWER_KEY)), issuer="kaiwa", audience="kaiwa")
    new = rotated.issue(CLAIMS, NOON)

    assert jwt.get_unverified_header(new) == {"alg": "EdDSA", "kid": "key-2", "typ": "at+jwt"}
    assert rotated.verify(new) == rotated.verify(TOKENS.issue(CLAIMS, NOON)) == CLAIMS
    refused(new)


def test_refuses_unsigned_tokens() -> None:
    for algorithm in ("none", "None", "NONE"):
        header = part({"alg": algorithm, "kid": "key-1", "typ": "at+jwt"})
        refused(f"{header}.{part(dict(BODY))}.")
        refused(f"{header}.{part(dict(BODY))}.{forge().rpartition('.')[2]}")


def test_refuses_other_algorithms() -> None:
    public_pem = KEY.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # The public key as if it were a shared secret; built by hand, as the library refuses to.
    signed = f"{part({'alg': 'HS256', 'kid': 'key-1', 'typ': 'at+jwt'})}.{part(dict(BODY))}"
    mac = hmac.new(public_pem, signed.encode(), hashlib.sha256).digest()
    refused(f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")
    refused(forge(key="x" * 64, algorithm="HS512"))
    refused(forge(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"))
    refused(forge(key=rsa.generate_private_key(65537, 2048), algorithm="RS256"))


def test_refuses_keys_it_does_not_know() -> None:
    refused(forge(key=NEWER_KEY.private))
    refused(forge(key=NEWER_KEY.private, kid="key-2"))
    refused(forge(kid="../key-1"))
    refused(jwt.encode(dict(BODY), KEY.private, algorithm="EdDSA", headers={"typ": "at+jwt"}))


def test_refuses_other_kinds_of_token() -> None:
    refused(forge(typ="JWT"))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"sub": "mika"},
        {"sub": 7},
        {"sid": "' OR 1=1"},
        {"sid": None},
        {"sid": ["a"]},
        {"exp": "soon"},
        {"exp": 1e300},
        {"exp": -1e18},
        {"exp": None},
    ],
)
def test_refuses_other_claims(change: Mapping[str, object]) -> None:
    refused(forge({**BODY, **change}))


@pytest.mark.parametrize("missing", list(BODY))
def test_refuses_missing_claims(missing: str) -> None:
    refused(forge({name: value for name, value in BODY.items() if name != missing}))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "\0", "e30.e30.", part([]) + "." + part([]) + ".x"])
def test_refuses_what_is_no_token(token: str) -> None:
    refused(token)


@given(st.data())
def test_refuses_a_token_that_was_tampered_with(data: st.DataObject) -> None:
    token = forge()
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii"))
    tampered = token[:at] + other + token[at + 1 :]
    if tampered == token or at == len(token) - 1:
        # The last character has bits that stand for nothing.
        return

    refused(tampered)


def test_works_with_keys_from_a_folder(tmp_path: Path) -> None:
    ours = JwtAccessTokens(ensure_keys(tmp_path, CountingIds()), issuer="kaiwa", audience="kaiwa")
    replica = JwtAccessTokens(ensure_keys(tmp_path, CountingIds()), issuer="kaiwa", audience="kaiwa")

    assert replica.verify(ours.issue(CLAIMS, NOON)) == CLAIMS
