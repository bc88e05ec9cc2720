from __future__ import annotations

import multiprocessing
import os
import stat
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.adapters.clock import UuidV7Source
from server.adapters.tokens import ensure_keys, load_keys, page_token_secret
from server.adapters.tokens.keys import KeysError, add_key, old_keys, remove_keys
from tests.support.kernel import NOON, CountingIds


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_makes_a_key_at_first_use_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "keys"

    first, again = ensure_keys(folder, CountingIds()), ensure_keys(folder, CountingIds())

    assert first.signer.id == again.signer.id
    assert first.signer.private.private_bytes_raw() == again.signer.private.private_bytes_raw()
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}
    assert [file.name for file in folder.glob("*.pem")] == [f"{first.signer.id}.pem"]


def test_the_last_key_signs(tmp_path: Path) -> None:
    ids = CountingIds()
    (old,) = (ensure_keys(tmp_path, ids).signer,)
    (tmp_path / f"{old.id}.pem").rename(tmp_path / "kept")
    new = ensure_keys(tmp_path, ids).signer
    (tmp_path / "kept").rename(tmp_path / f"{old.id}.pem")

    ring = load_keys(tmp_path)

    assert ring.signer.id == new.id
    assert ring.verifier(old.id) == ("EdDSA", old.public)
    assert ring.verifier("unknown") is None


def test_a_write_that_was_cut_short_does_no_harm(tmp_path: Path) -> None:
    ids = CountingIds()
    (tmp_path / ".0198c0de-0000-7000-8000-000000000001.pem.new").write_bytes(b"half a k")

    ring = ensure_keys(tmp_path, ids)

    assert ring.signer.id == "0198c0de-0000-7000-8000-000000000001"


def _start(folder: str, answers: multiprocessing.SimpleQueue[tuple[str, bytes]]) -> None:
    answers.put((ensure_keys(Path(folder), UuidV7Source()).signer.id, page_token_secret(Path(folder))))


def test_servers_that_start_at_once_share_their_keys(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.SimpleQueue[tuple[str, bytes]] = context.SimpleQueue()
    starts = [context.Process(target=_start, args=(str(tmp_path / "keys"), answers)) for _ in range(4)]
    for start in starts:
        start.start()
    given = {answers.get() for _ in starts}
    for start in starts:
        start.join()

    assert len(given) == 1


def test_the_page_token_secret_stays(tmp_path: Path) -> None:
    secret = page_token_secret(tmp_path)

    assert len(secret) == 32
    assert page_token_secret(tmp_path) == secret
    assert mode(tmp_path / "secret.key") == 0o600
    with pytest.raises(KeysError):
        load_keys(tmp_path)


def test_says_which_file_can_not_be_used(tmp_path: Path) -> None:
    bad = tmp_path / "key.pem"
    other = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"no key", other):
        bad.write_bytes(content)
        with pytest.raises(KeysError, match=r"key\.pem"):
            ensure_keys(tmp_path, CountingIds())
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(KeysError, match=r"secret\.key"):
        page_token_secret(tmp_path)
    with pytest.raises(KeysError, match=r"key\.pem"):
        ensure_keys(bad / "folder", CountingIds())


def test_a_key_keeps_itself_out_of_its_repr(tmp_path: Path) -> None:
    assert "rivate" not in repr(ensure_keys(tmp_path, CountingIds()).signer)


LIFE = timedelta(minutes=15)


def take_up(folder: Path, key_id: str, at: datetime) -> None:
    """Lets a key have come into the folder then."""
    os.utime(folder / f"{key_id}.pem", (at.timestamp(), at.timestamp()))


def test_a_key_is_needed_as_long_as_a_token_it_signed_may_live(tmp_path: Path) -> None:
    ids = CountingIds()
    first = ensure_keys(tmp_path, ids).signer.id
    assert old_keys(tmp_path, LIFE) == ()
    add_key(tmp_path, ids)
    add_key(tmp_path, ids)
    second, third = (key.id for key in load_keys(tmp_path).keys[1:])
    take_up(tmp_path, second, NOON)
    take_up(tmp_path, third, NOON + timedelta(hours=1))

    old = old_keys(tmp_path, LIFE)

    assert [(key.id, key.needed_until) for key in old] == [
        (first, NOON + timedelta(minutes=16)),
        (second, NOON + timedelta(minutes=76)),
    ]


def test_a_key_that_was_made_later_than_its_file_says_counts_from_then(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path, CountingIds()).signer.id
    made = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    later = str(uuid.UUID(int=(int(made.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62)))
    (tmp_path / f"{first}.pem").rename(tmp_path / f"{later}.pem")
    (tmp_path / "0.pem").write_bytes((tmp_path / f"{later}.pem").read_bytes())
    take_up(tmp_path, later, NOON)

    assert [(key.id, key.needed_until) for key in old_keys(tmp_path, LIFE)] == [("0", made + timedelta(minutes=16))]


def test_the_newest_key_is_never_removed(tmp_path: Path) -> None:
    ids = CountingIds()
    first = ensure_keys(tmp_path, ids).signer.id
    add_key(tmp_path, ids)
    newest = load_keys(tmp_path).signer.id

    with pytest.raises(KeysError, match="newest"):
        remove_keys(tmp_path, [first, newest])
    assert len(load_keys(tmp_path).keys) == 2
    remove_keys(tmp_path, [first, first, "unknown"])
    assert [key.id for key in load_keys(tmp_path).keys] == [newest]
