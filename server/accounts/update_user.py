"""UpdateUser: changes an account's role or whether it is active, for administrators."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.accounts.domain.administration import AuditAction, AuditEntry, Change
from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.session import EndReason
from server.accounts.domain.user import User
from server.accounts.ports import UnitOfWork, UnitOfWorkFactory
from server.errors import FailedPrecondition, NotFound, Reason
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller, Role, UserId


@dataclass(frozen=True, slots=True)
class UserChange:
    """What changes of an account; None: it stays.

    Attributes:
        note: why, for the audit log; may be empty.
    """

    role: Role | None = None
    active: bool | None = None
    note: str = ""


class UpdateUser:
    """Changes an account and notes who did it.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes ids of audit entries.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, user_id: UserId, change: UserChange) -> User:
        """The account after the change.

        Raises:
            NotFound: USER_NOT_FOUND.
            FailedPrecondition: LAST_ADMIN.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            # Before the account's own lock, and whatever the change is: always in this order, so nothing deadlocks.
            admins = await uow.users.lock_active_admins()
            present = await uow.users.lock(user_id)
            if present is None:
                raise NotFound(Reason.USER_NOT_FOUND, "There is no such account.", metadata={"user_id": user_id})
            old = present.user
            user = replace(
                old,
                role=old.role if change.role is None else change.role,
                active=old.active if change.active is None else change.active,
            )
            if user == old:
                return old
            if user_id in admins and len(admins) == 1 and not (user.active and user.role is Role.ADMIN):
                raise FailedPrecondition(
                    Reason.LAST_ADMIN,
                    "No active administrator would be left. Make another one first.",
                    metadata={"user_id": user_id},
                )
            user = replace(user, updated_at=now)
            await uow.users.save(user)
            if not user.active:
                await self._lock_out(uow, user_id)
            await uow.audit.add(
                AuditEntry(
                    id=self._ids.new_id(),
                    at=now,
                    actor_id=caller.user_id,
                    action=AuditAction.UPDATE_USER,
                    changes=_changes(old, user),
                    user_id=user_id,
                    note=change.note,
                )
            )
            await uow.commit()
        return user

    async def _lock_out(self, uow: UnitOfWork, user_id: UserId) -> None:
        await uow.sessions.end_all(user_id, EndReason.ACCOUNT_INACTIVE, self._clock.now())
        for purpose in Purpose:
            await uow.one_time_tokens.void(user_id, purpose)


def _changes(old: User, new: User) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    if old.role is not new.role:
        changes["role"] = (old.role.value, new.role.value)
    if old.active is not new.active:
        changes["active"] = (old.active, new.active)
    return changes
