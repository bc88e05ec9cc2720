from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from structlog.testing import capture_logs

from server.accounts.ports import AccessClaims
from server.adapters.tokens import JwtAccessTokens, KeyFolder, ensure_keys, jwks
from server.adapters.tokens.keys import KeysError, add_key
from server.errors import Reason, Unauthenticated
from server.kernel.identity import SessionId, UserId
from tests.support.kernel import NOON, CountingIds

CLAIMS = AccessClaims(
    UserId("0198c0de-0000-7000-9000-000000000001"),
    SessionId("0198c0de-0000-7000-a000-000000000001"),
    NOON + timedelta(minutes=15),
)


class Folder:
    """A folder of keys and a server's view of it; its clock stands still until it is moved."""

    def __init__(self, path: Path) -> None:
        self.path, self.ids, self.seconds = path, CountingIds(), 0.0
        ensure_keys(path, self.ids)
        self.keys = KeyFolder(path, steady=lambda: self.seconds)
        self.tokens = JwtAccessTokens(self.keys, issuer="kaiwa", audience="kaiwa")

    def issue(self) -> str:
        return self.tokens.issue(CLAIMS, NOON)

    def add(self) -> None:
        add_key(self.path, self.ids)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "keys")


def test_a_new_key_signs_within_a_second_and_old_tokens_stay_good(folder: Folder) -> None:
    old = folder.issue()
    folder.add()
    before = folder.issue()
    folder.seconds += 1

    new = folder.issue()

    kids = [jwt.get_unverified_header(token)["kid"] for token in (old, before, new)]
    assert kids[0] == kids[1] != kids[2] == folder.keys.signer.id
    assert [folder.tokens.verify(token) for token in (old, before, new)] == [CLAIMS] * 3


def test_tokens_of_a_key_that_is_removed_are_refused(folder: Folder) -> None:
    old = folder.issue()
    first = folder.keys.signer
    folder.add()
    (folder.path / f"{first.id}.pem").unlink()
    folder.seconds += 1

    with pytest.raises(Unauthenticated) as refused:
        folder.tokens.verify(old)

    assert refused.value.reason is Reason.TOKEN_INVALID


def test_a_replica_knows_the_others_new_key_at_once(folder: Folder) -> None:
    folder.add()
    other = JwtAccessTokens(KeyFolder(folder.path), issuer="kaiwa", audience="kaiwa")

    assert folder.tokens.verify(other.issue(CLAIMS, NOON)) == CLAIMS


def test_a_folder_that_breaks_is_told_once_and_the_known_keys_stay(folder: Folder) -> None:
    token = folder.issue()
    broken = folder.path / "zz.pem"
    broken.write_text("no key")

    with capture_logs() as logs:
        for _ in range(3):
            folder.seconds += 1
            assert folder.tokens.verify(token) == CLAIMS
    broken.unlink()
    folder.add()
    folder.seconds += 1

    assert [line["log_level"] for line in logs] == ["error"]
    assert len(folder.keys.keys) == 2


def test_a_folder_without_keys_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(KeysError):
        KeyFolder(tmp_path)


def test_the_key_set_verifies_tokens_and_tells_no_secret(folder: Folder) -> None:
    folder.add()
    folder.seconds += 1
    token = folder.issue()

    document = json.loads(jwks(folder.keys.keys))

    assert [key["kid"] for key in document["keys"]] == [key.id for key in folder.keys.keys]
    assert all(key.keys() == {"kty", "crv", "x", "kid", "alg", "use"} for key in document["keys"])
    published = jwt.PyJWKSet.from_dict(document)[jwt.get_unverified_header(token)["kid"]]
    read = jwt.decode(token, published, algorithms=["EdDSA"], audience="kaiwa", options={"verify_exp": False})
    assert (read["sub"], read["sid"]) == (CLAIMS.user_id, CLAIMS.session_id)
