from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from server.adapters.clock import SystemClock, UuidV7Source, known_time_zones


def test_the_clock_tells_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_an_id_is_a_uuid_of_version_7_with_its_time() -> None:
    made = uuid.UUID(UuidV7Source(lambda: 0x0198_C0DE_1234).new_id())

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 0x0198_C0DE_1234


def test_all_bits_have_their_place() -> None:
    def ones(bits: int) -> int:
        return (1 << bits) - 1

    assert UuidV7Source(lambda: 0, ones).new_id() == "00000000-0000-77ff-bfff-ffffffffffff"
    assert UuidV7Source(lambda: 0, lambda _: 0).new_id() == "00000000-0000-7000-8000-000000000000"


@given(st.lists(st.integers(0, 3), min_size=2, max_size=50))
def test_ids_grow_even_when_the_clock_goes_back(moments: list[int]) -> None:
    times = iter(moments)
    source = UuidV7Source(lambda: next(times))
    made = [source.new_id() for _ in moments]

    assert made == sorted(set(made))


def test_a_counter_that_is_used_up_takes_the_next_millisecond() -> None:
    source = UuidV7Source(lambda: 5, lambda bits: 0)
    first = source.new_id()
    source._counter = (1 << 42) - 1
    last = source.new_id()

    assert first < last
    assert uuid.UUID(last).int >> 80 == 6


def test_threads_never_get_the_same_id() -> None:
    source = UuidV7Source(lambda: 1)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: source.new_id(), range(2000)))

    assert len(set(made)) == 2000


def test_knows_the_usual_time_zones() -> None:
    assert {"UTC", "Europe/Berlin", "Asia/Tokyo"} <= known_time_zones()
