"""Page tokens, masks and times."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from kaiwa.content.v1 import content_service_pb2 as pb
from server.errors import InvalidInput, Reason
from server.kernel.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from server.rpc.peer import client_address, network_of, peer_address
from server.rpc.wire import PageTokens, body_hash, duration, masked_fields, moment, seconds, timestamp

TOKENS = PageTokens(b"s" * 32)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_a_page_token_carries_its_position(position: list[str]) -> None:
    request = pb.ListSentencesRequest(page_size=10)
    token = TOKENS.token("ListSentences", request, position)
    page = TOKENS.request("ListSentences", pb.ListSentencesRequest(page_size=7, page_token=token))
    assert page.after == tuple(position)
    assert page.size == 7


def refused(token: str, method: str = "ListSentences", tokens: PageTokens = TOKENS, **filters: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        tokens.request(method, pb.ListSentencesRequest(page_token=token, **filters))  # type: ignore[arg-type]
    assert caught.value.reason is Reason.INVALID_PAGE_TOKEN
    assert caught.value.metadata == {"field": "page_token"}


def test_a_token_is_bound_to_method_filter_and_secret() -> None:
    token = TOKENS.token("ListSentences", pb.ListSentencesRequest(), ["a"])
    refused(token, query="雨")
    refused(token, method="ListOthers")
    refused(token, tokens=PageTokens(b"t" * 32))


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKENS.token("ListSentences", pb.ListSentencesRequest(), ["abc"]) + "=="))
    index = data.draw(st.integers(0, len(raw) - 1))
    raw[index] ^= data.draw(st.integers(1, 255))
    refused(base64.urlsafe_b64encode(bytes(raw)).decode())


@given(st.text(min_size=1, max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(("asked", "given_size"), [(0, DEFAULT_PAGE_SIZE), (1, 1), (200, 200), (5000, MAX_PAGE_SIZE)])
def test_page_sizes(asked: int, given_size: int) -> None:
    assert TOKENS.request("ListSentences", pb.ListSentencesRequest(page_size=asked)).size == given_size


def test_the_last_page_has_no_token() -> None:
    assert TOKENS.token("ListSentences", pb.ListSentencesRequest(), None) == ""


@pytest.mark.parametrize(("paths", "path"), [([], None), (["*"], "*"), (["japanese", "owner_id"], "owner_id")])
def test_masks_that_are_refused(paths: list[str], path: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        masked_fields(FieldMask(paths=paths), {"japanese", "english"})
    assert caught.value.reason is Reason.INVALID_FIELD_MASK
    assert caught.value.metadata.get("path") == path


def test_a_mask() -> None:
    assert masked_fields(FieldMask(paths=["english", "english"]), {"japanese", "english"}) == {"english"}


def test_the_body_hash_leaves_out_the_request_id_only() -> None:
    one = pb.CreateSentenceRequest(japanese="雨", request_id="a")
    assert body_hash(one) == body_hash(pb.CreateSentenceRequest(japanese="雨", request_id="b"))
    assert body_hash(one) != body_hash(pb.CreateSentenceRequest(japanese="飴", request_id="a"))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 - made aware below
def test_times_there_and_back(at: datetime) -> None:
    aware = at.replace(tzinfo=UTC)
    assert moment(timestamp(aware), "since") == aware


@pytest.mark.parametrize("at", [Timestamp(seconds=10**12), Timestamp(seconds=-(10**12)), Timestamp(nanos=-1)])
def test_impossible_times(at: Timestamp) -> None:
    with pytest.raises(InvalidInput) as caught:
        moment(at, "since")
    assert caught.value.metadata["field"] == "since"


def test_durations() -> None:
    assert duration(timedelta(seconds=1.5)).ToTimedelta() == timedelta(seconds=1.5)
    assert seconds(0.25).nanos == 250_000_000


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:5000", "127.0.0.1"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("ipv6:[2001:db8::1]:80", "2001:db8::1"),
        ("unix:/run/x", "unix"),
    ],
)
def test_peer_addresses(peer: str, address: str) -> None:
    assert peer_address(peer) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("ipv4:127.0.0.1:1", "203.0.113.9", "203.0.113.9"),
        ("ipv4:127.0.0.1:1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("ipv4:198.51.100.7:1", "203.0.113.9", "198.51.100.7"),
        ("ipv4:127.0.0.1:1", "", "127.0.0.1"),
        ("ipv4:127.0.0.1:1", "203.0.113.9, 127.0.0.1", "203.0.113.9"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, {"x-forwarded-for": forwarded}, {"127.0.0.1"}) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unix", "unix"),
        ("whatever a proxy says", "whatever a proxy says"),
    ],
)
def test_an_ipv6_customer_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
