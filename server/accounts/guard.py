"""Limits attempts at passwords, names and mailboxes, and keeps the rightful owner from being locked out by others.

Sign-ins are counted by name, whether there is such an account or not, over all networks together: who has many networks
has no more guesses. A network that the owner has signed in from is counted for itself, so that guesses from elsewhere
never stand in the owner's way there; and a password reset, by the mail, makes the owner's network known too. What is
counted is named by keyed hashes: the counts tell nobody an address.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from server.accounts.domain.ladder import FAILURES, GUESSES, KNOWN_FOR, MAILS, NAMES, Ladder
from server.accounts.domain.user import User, sign_in_key
from server.accounts.ports import Tally
from server.errors import Reason, ResourceExhausted
from server.kernel.identity import SessionId, UserId


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was let in.

    Attributes:
        network: what failures of its network are counted under.
        known: whether the network is known to be the owner's.
    """

    network: str
    known: bool


class Guard:
    """Counts attempts.

    Args:
        tally: where; shared by all servers that stand in for one another, or each on its own.
        secret: what the names of counts are hashed with; the same on all servers that share a tally.
    """

    def __init__(self, tally: Tally, secret: bytes) -> None:
        self._tally = tally
        self._secret = hashlib.sha256(b"guard of attempts" + secret).digest()

    async def sign_in(self, login: str, network: str) -> Attempt:
        """Lets a sign-in try its password. It counts at once: of many at a time none gets through uncounted.

        Args:
            login: the address or username, as given.
            network: where it comes from.

        Raises:
            ResourceExhausted: RATE_LIMITED, the same whether there is such an account or not.
        """
        name = sign_in_key(login)
        pair, here = self._key("sign in", name, network), self._key("failures", network)
        known = await self._tally.count(self._key("known", name, network)) > 0
        if known:
            await self._admit(GUESSES, pair)
        else:
            await self._check(FAILURES, here)
            await self._admit(GUESSES, self._key("sign in", name))
        return Attempt(here, known)

    async def refused(self, attempt: Attempt) -> None:
        """Counts a sign-in that failed."""
        if not attempt.known:
            await self._count(FAILURES, attempt.network)

    async def proved(self, user: User, network: str) -> None:
        """Makes a network known to be the owner's, who has just shown that it is them."""
        for name in (sign_in_key(user.email), sign_in_key(user.username)):
            known = self._key("known", name, network)
            await self._tally.clear(known)
            await self._tally.add(known, KNOWN_FOR)
            await self._forget(self._key("sign in", name, network))

    async def forget(self, user: User, network: str) -> None:
        """Forgets what is counted of an account that is being deleted.

        Networks are kept nowhere, so what was counted of names from others is left until its time is over; it names
        nobody.
        """
        await self._forget(self._key("mail by", user.id))
        for name in (sign_in_key(user.email), sign_in_key(user.username)):
            await self._tally.clear(self._key("known", name, network))
            for parts in (("sign in", name), ("sign in", name, network), ("mail", name, ""), ("mail", name, network)):
                await self._forget(self._key(*parts))

    async def password(self, session_id: SessionId) -> None:
        """Lets somebody who is signed in try the account's password once more.

        By session: whoever stole one has its guesses only, and takes none of the owner's.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        await self._admit(GUESSES, self._key("password", session_id))

    async def password_shown(self, session_id: SessionId) -> None:
        """Forgets the guesses of a session: it was the password."""
        await self._forget(self._key("password", session_id))

    async def registration(self, network: str) -> None:
        """Lets somebody ask whether names are taken.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        await self._check(NAMES, self._key("names", network))

    async def name_told(self, network: str) -> None:
        """Counts a registration that was told that a name is taken."""
        await self._count(NAMES, self._key("names", network))

    async def mail_to(self, address: str, network: str) -> None:
        """Lets somebody have a mail sent to an address. A network that is known to be the owner's counts for itself.

        Raises:
            ResourceExhausted: RATE_LIMITED, the same whether it is an account's address or not.
        """
        name = sign_in_key(address)
        known = await self._tally.count(self._key("known", name, network)) > 0
        await self._admit(MAILS, self._key("mail", name, network if known else ""))

    async def mail_by(self, user_id: UserId) -> None:
        """Lets an account have a mail sent.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        await self._admit(MAILS, self._key("mail by", user_id))

    async def _admit(self, ladder: Ladder, key: str) -> None:
        await self._check(ladder, key)
        if not await self._count(ladder, key):
            # Another attempt, at the same time, has begun the pause.
            raise _limited(ladder, await self._tally.remaining(f"{key} pause") or ladder.first_pause)

    async def _check(self, ladder: Ladder, key: str) -> None:
        if (left := await self._tally.remaining(f"{key} pause")) > timedelta(0):
            raise _limited(ladder, left)

    async def _count(self, ladder: Ladder, key: str) -> bool:
        """Counts an attempt and begins the pause after it; whether there was none yet."""
        pause = ladder.pause(await self._tally.add(key, ladder.memory))
        return pause == timedelta(0) or await self._tally.add(f"{key} pause", pause) == 1

    async def _forget(self, key: str) -> None:
        await self._tally.clear(key)
        await self._tally.clear(f"{key} pause")

    def _key(self, kind: str, *parts: str) -> str:
        # The parts' lengths stand before them, so that no two lists of parts read the same.
        text = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
        return (
            f"{kind.replace(' ', '-')}:{hashlib.blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()}"
        )


def _limited(ladder: Ladder, left: timedelta) -> ResourceExhausted:
    return ResourceExhausted(
        Reason.RATE_LIMITED,
        "Too many attempts. Wait before the next one.",
        metadata={"limit": str(ladder.free), "period_seconds": f"{ladder.memory.total_seconds():g}"},
        retry_after=left,
    )
