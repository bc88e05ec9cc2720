"""UpdateMe: changes the caller's profile."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, fields, replace

from server.accounts.authenticate import session_revoked
from server.accounts.domain.user import User, check_time_zone, username_taken
from server.accounts.ports import UnitOfWorkFactory
from server.errors import AlreadyExists, InvalidInput
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller

_MAY_BE_ZERO = {"day_turn_hour", "voice_retention_days"}


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """The fields of a profile that change, each as in `User`; None: it stays."""

    username: str | None = None
    native_language: str | None = None
    target_language: str | None = None
    level: int | None = None
    time_zone: str | None = None
    day_turn_hour: int | None = None
    voice_retention_days: int | None = None


class UpdateMe:
    """Changes what learners may change of their own account.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes ids for the log of how days are counted.
        time_zones: IANA names of the zones that the server knows.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource, time_zones: Container[str]
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids
        self._time_zones = time_zones

    async def __call__(self, caller: Caller, change: ProfileChange) -> User:
        """The account after the change.

        Raises:
            InvalidInput: INVALID_FIELD for a field that can't be empty, TIME_ZONE_UNKNOWN.
            AlreadyExists: USERNAME_TAKEN.
            Unauthenticated: SESSION_REVOKED, when the account was deleted a moment ago.
        """
        given = {field.name: value for field in fields(change) if (value := getattr(change, field.name)) is not None}
        for name, value in given.items():
            if not value and name not in _MAY_BE_ZERO:
                raise InvalidInput(f"user.{name}", "can't be empty")
        if change.time_zone is not None:
            check_time_zone(change.time_zone, self._time_zones, "user.time_zone")
        try:
            async with self._unit_of_work() as uow:
                if change.time_zone is not None or change.day_turn_hour is not None:
                    # Learning holds this before it looks at the account; the other way round the two could lock up.
                    await uow.study_days.hold(caller.user_id)
                present = await uow.users.lock(caller.user_id)
                if present is None:
                    raise session_revoked()
                user = replace(present.user, **given)
                if user == present.user:
                    return user
                user = replace(user, updated_at=self._clock.now())
                await uow.users.save(user)
                before, after = _days(present.user), _days(user)
                if after != before:
                    await uow.study_days.changed(user.id, self._ids.new_id(), before, after, user.updated_at)
                await uow.commit()
                return user
        except AlreadyExists as error:
            raise username_taken("user.username") from error


def _days(user: User) -> tuple[str, int]:
    return (user.time_zone, user.day_turn_hour)
