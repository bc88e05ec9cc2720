"""Addresses as people write them."""

from __future__ import annotations

import pytest

from kaiwa_client.channel import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("127.0.0.1:50051", Address("127.0.0.1", 50051, False), "127.0.0.1:50051"),
        ("localhost", Address("localhost", 50051, False), "localhost:50051"),
        ("http://127.0.0.1:8080/", Address("127.0.0.1", 8080, False), "127.0.0.1:8080"),
        ("https://kaiwa.example", Address("kaiwa.example", 443, True), "https://kaiwa.example:443"),
        ("[::1]:7000", Address("::1", 7000, False), "[::1]:7000"),
        ("[::1]", Address("::1", 50051, False), "[::1]:50051"),
    ],
)
def test_reads_addresses(text: str, address: Address, shown: str) -> None:
    assert parse_address(text) == address
    assert str(address) == shown


def test_tls_is_an_option_too() -> None:
    assert parse_address("kaiwa.example:7000", tls=True) == Address("kaiwa.example", 7000, True)
    with pytest.raises(ValueError, match="says http"):
        parse_address("http://kaiwa.example", tls=True)


@pytest.mark.parametrize("text", ["", "host:", "host:0", "host:99999", "a b:1", "unix:///tmp/x", "host:port"])
def test_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address|no port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False)]
)
def test_knows_this_machine(host: str, local: bool) -> None:
    assert Address(host, 1, False).local is local
