"""How many attempts are free, and how long the pauses between further ones grow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Longer and longer pauses between attempts at the same thing.

    Attributes:
        free: attempts without a pause between them, at least 1.
        first_pause: after the last of those; each further one is twice the one before, up to `longest_pause`.
        longest_pause: the longest of them.
        memory: how long after the first attempt all are forgotten.
    """

    free: int
    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(minutes=15)
    memory: timedelta = _DAY

    def pause(self, attempts: int) -> timedelta:
        """How long nothing more may be tried after the attempt with this number, from 1; zero where it may at once."""
        if attempts < self.free:
            return timedelta(0)
        # Beyond 2^32 seconds every pause is the longest.
        return min(self.first_pause * (1 << min(attempts - self.free, 32)), self.longest_pause)


GUESSES = Ladder(free=10)
"""Passwords tried under one name or in one session: about 120 a day. NIST SP 800-63B, section 3.2.2, allows 100 in a
row; an attack that goes on for days must not end in an account that is closed to its owner."""
FAILURES = Ladder(free=100, longest_pause=timedelta(minutes=1))
"""Sign-ins that failed from one network, under whatever names; a class may sit behind it."""
NAMES = Ladder(free=20, longest_pause=timedelta(minutes=1))
"""Registrations from one network that were told that a name is taken."""
MAILS = Ladder(free=5, first_pause=timedelta(minutes=1), longest_pause=timedelta(hours=1))
"""Mails that were asked for, to one address or by one account."""
KNOWN_FOR = timedelta(days=30)
"""How long a network is known to be the owner's after they signed in from it."""
