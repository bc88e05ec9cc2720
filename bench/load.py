"""Loads servers of learning and takes the time of each call."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
import jwt

from bench.bare import METHOD as BARE
from bench.learners import CARDS, FIRST_CARD, learner
from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import learning_service_pb2_grpc as rpc
from kaiwa.learning.v1 import review_pb2

LIMIT = 20
"""Cards of a queue."""
_BEGUN = CARDS * 7 // 10

Call: TypeAlias = Callable[[int, random.Random], Awaitable[None]]
"""Makes a call for a learner."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a load came to.

    Attributes:
        seconds: of each call.
        wall: seconds in all.
    """

    seconds: Sequence[float]
    wall: float

    @property
    def per_second(self) -> float:
        """Calls a second."""
        return len(self.seconds) / self.wall


async def load(call: Call, learners: int, *, calls: int, at_once: int, seed: int) -> Taken:
    """Makes calls for learners drawn by lot, a number of them at once."""
    dice = random.Random(seed)
    todo = iter([dice.randrange(learners) for _ in range(calls)])
    taken: list[float] = []

    async def caller(own: random.Random) -> None:
        for number in todo:
            begin = time.perf_counter()
            await call(number, own)
            taken.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    await asyncio.gather(*(caller(random.Random(seed * 1000 + each)) for each in range(at_once)))
    return Taken(taken, time.perf_counter() - begin)


def card_of(number: int, dice: random.Random) -> str:
    """A card of a learner's that they have begun."""
    return f"{number:08x}-0000-7000-8000-{FIRST_CARD + dice.randrange(_BEGUN):012x}"


class Kaiwa:
    """Kaiwa's own server.

    Args:
        channel: connected to it.
        token: an access token of a learner.
    """

    def __init__(self, channel: grpc.aio.Channel, token: Callable[[int], str]) -> None:
        self._stub = rpc.LearningServiceStub(channel)
        self._token = token
        self.cards = 0

    async def queue(self, number: int, dice: random.Random) -> None:
        """Asks for the queue."""
        found = await self._stub.GetReviewQueue(pb.GetReviewQueueRequest(limit=LIMIT), metadata=self._metadata(number))
        self.cards += len(found.cards)

    async def submit(self, number: int, dice: random.Random) -> None:
        """Answers a card."""
        review = review_pb2.ReviewSubmission(
            review_id=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            card_id=card_of(number, dice),
            rating=dice.choice((review_pb2.RATING_AGAIN, review_pb2.RATING_GOOD, review_pb2.RATING_GOOD)),
            rating_source=review_pb2.RATING_SOURCE_LEARNER,
        )
        review.client_time.GetCurrentTime()
        review.time_taken.FromSeconds(5)
        await self._stub.SubmitReview(pb.SubmitReviewRequest(review=review), metadata=self._metadata(number))

    def _metadata(self, number: int) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._token(number)}"),)


class Bare:
    """The method that runs one SELECT."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._select: Any = channel.unary_unary(BARE)

    async def select(self, number: int, dice: random.Random) -> None:
        """Calls it."""
        await self._select(learner(number).encode())


class Baseline:
    """The seed's design, over HTTP/1.1 with connections that are kept.

    Args:
        port: where it listens.
        secret: signs its tokens.
    """

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tokens: dict[int, str] = {}
        self.cards = 0

    async def queue(self, number: int, dice: random.Random) -> None:
        """Asks for the queue."""
        found = await self._send(number, "GET", f"/api/v1/learning/review-queue?limit={LIMIT}", b"")
        self.cards += len(json.loads(found)["cards"])

    async def submit(self, number: int, dice: random.Random) -> None:
        """Answers a card."""
        body = json.dumps(
            {
                "review_id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
                "card_id": card_of(number, dice),
                "rating": dice.choice((1, 3, 3)),
                "client_time": datetime.now(UTC).isoformat(),
                "time_taken_ms": 5000,
            }
        )
        json.loads(await self._send(number, "POST", "/api/v1/learning/review", body.encode()))

    async def statements(self) -> dict[str, int]:
        """How many statements and calls there have been."""
        found: dict[str, int] = json.loads(await self._send(0, "GET", "/statements", b""))
        return found

    def close(self) -> None:
        """Closes its connections."""
        for _, writer in self._idle:
            writer.close()

    async def _send(self, number: int, verb: str, path: str, body: bytes) -> bytes:
        if number not in self._tokens:
            self._tokens[number] = jwt.encode({"sub": learner(number)}, self._secret, algorithm="HS256")
        head = (
            f"{verb} {path} HTTP/1.1\r\nhost: baseline\r\nauthorization: Bearer {self._tokens[number]}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        content = await reader.readexactly(length)
        self._idle.append((reader, writer))
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the baseline answered {answer[:40]!r} {content[:200]!r}")
        return content
