"""What services are made of together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from server.adapters.clock import SystemClock, UuidV7Source
from server.adapters.object_store import ObjectAudioStore
from server.adapters.openjtalk.analyser import OpenJTalkAnalyser
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.config import Settings
from server.rpc.wire import PageTokens


@dataclass(frozen=True, slots=True)
class Shared:
    """What more than one service is made of.

    Attributes:
        settings: what is set.
        stack: takes apart at the end what has been made.
        unit_of_work: opens a transaction.
        reading: opens a unit of work for what only reads.
        store: where audio is kept.
        analyser: reads Japanese.
    """

    settings: Settings
    stack: contextlib.AsyncExitStack
    unit_of_work: Callable[[], PostgresUnitOfWork]
    reading: Callable[[], PostgresUnitOfWork]
    store: ObjectAudioStore
    clock: SystemClock
    ids: UuidV7Source
    page_tokens: PageTokens
    analyser: OpenJTalkAnalyser
