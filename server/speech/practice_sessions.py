"""The practices under way in this process, found by learner and practice id."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from server.errors import (
    ApplicationError,
    Reason,
    ResourceExhausted,
    Unavailable,
)
from server.kernel.identity import Caller, UserId
from server.speech.domain.events import Notice, NoticeKind
from server.speech.live_practice import LivePractice
from server.speech.ordered_intake import practice_not_found
from server.speech.outbox import Outbox
from server.speech.practice_spec import PracticeSpec, PracticeTools


class PracticeSessions:
    """Begins, finds and ends practices.

    Args:
        tools: what every practice uses.
        streams_per_user: the most practices that a learner has open at a time.
        streams: the most practices of this process.
    """

    def __init__(self, tools: PracticeTools, *, streams_per_user: int, streams: int) -> None:
        self._tools = tools
        self._streams_per_user = streams_per_user
        self._streams = streams
        self._live: dict[tuple[UserId, str], LivePractice] = {}
        self._ended = asyncio.Event()

    def __len__(self) -> int:
        return len(self._live)

    def find(self, user_id: UserId, practice_id: str) -> LivePractice | None:
        """The practice of this learner under way, if there is one."""
        return self._live.get((user_id, practice_id))

    def get(self, user_id: UserId, practice_id: str) -> LivePractice:
        """The practice of this learner under way.

        Raises:
            NotFound: PRACTICE_NOT_FOUND.
        """
        live = self.find(user_id, practice_id)
        if live is None:
            raise practice_not_found(practice_id)
        return live

    def begin(self, spec: PracticeSpec) -> tuple[LivePractice, Outbox]:
        """Begins a practice and attaches a client to it.

        Raises:
            ResourceExhausted: TOO_MANY_STREAMS for the learner, SPEECH_OVERLOADED for the process.
        """
        user_id = spec.caller.user_id
        self._check_open(user_id)
        # What was left behind gives way to what is spoken now, unless its result is on its way.
        own = self._of(user_id)
        left = [live for live in own if not live.attached and not live.deciding]
        for live in left[: max(0, len(own) + 1 - 2 * self._streams_per_user)]:
            live.end(None)
        if len(self._live) >= self._streams:
            raise ResourceExhausted(
                Reason.SPEECH_OVERLOADED,
                "The server has as many practices under way as it can serve well.",
                metadata={"engine": "recognition"},
                retry_after=timedelta(seconds=5),
            )
        self._tools.recogniser.admit(sum(other.attached for other in self._live.values()))
        live = LivePractice(spec, self._tools, self._remove)
        self._live[user_id, spec.practice_id] = live
        return live, live.attach(spec.caller)

    def resume(self, live: LivePractice, caller: Caller) -> Outbox:
        """Attaches a client to a practice under way, in place of any other.

        Raises:
            ResourceExhausted: TOO_MANY_STREAMS.
        """
        if not live.attached:
            self._check_open(caller.user_id)
        return live.attach(caller)

    def drain(self) -> None:
        """Tells every client that the server will shut down; utterances under way may be finished.

        What nobody listens to can't be resumed here any more and is dropped, unless its result is on its way.
        """
        for live in tuple(self._live.values()):
            if live.attached:
                live.tell(Notice(NoticeKind.DRAINING))
            elif not live.deciding:
                live.end(None)

    async def wait_until_none(self) -> None:
        """Returns when no practice is under way."""
        while self._live:
            self._ended.clear()
            await self._ended.wait()

    def end_all(self) -> None:
        """Ends every practice because the server stops now."""
        for live in tuple(self._live.values()):
            live.end(shutting_down())

    def _of(self, user_id: UserId) -> list[LivePractice]:
        return [live for (owner, _), live in self._live.items() if owner == user_id]

    def _check_open(self, user_id: UserId) -> None:
        """Raises ResourceExhausted(TOO_MANY_STREAMS) when the learner may open no more."""
        if sum(live.attached for live in self._of(user_id)) >= self._streams_per_user:
            raise ResourceExhausted(
                Reason.TOO_MANY_STREAMS,
                f"{self._streams_per_user} practices are open; that is the most a learner may have at a time.",
                metadata={"limit": str(self._streams_per_user)},
                retry_after=timedelta(seconds=5),
            )

    def _remove(self, live: LivePractice) -> None:
        self._live.pop((live.spec.caller.user_id, live.spec.practice_id), None)
        self._ended.set()


def shutting_down() -> ApplicationError:
    """What a practice gets that could not be finished before the server stopped."""
    return Unavailable(
        Reason.SHUTTING_DOWN,
        "This server is shutting down. Open the practice again; another server will take it from the beginning.",
        retry_after=timedelta(seconds=1),
    )
