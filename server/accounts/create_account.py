"""Makes accounts with any role from inside: the first administrator, and the accounts of a demo. Not an RPC."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from server.accounts.domain.password import Password, check_password, check_password_length
from server.accounts.domain.user import (
    DEFAULT_DAY_TURN_HOUR,
    DEFAULT_LEVEL,
    DEFAULT_NATIVE_LANGUAGE,
    DEFAULT_TARGET_LANGUAGE,
    DEFAULT_TIME_ZONE,
    User,
    check_names,
    normalize_email,
    sign_in_key,
)
from server.accounts.ports import PasswordHasher, UnitOfWorkFactory
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Role, UserId


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Describes an account to be made. Its repr hides who it is for.

    Attributes:
        email, username, password: as given.
        role: what the account may do.
        verified: whether the address is known to reach its owner.
    """

    email: str = field(repr=False)
    username: str = field(repr=False)
    password: Password
    role: Role
    verified: bool = True


class CreateAccount:
    """Makes an account unless there is one with its address.

    Args:
        unit_of_work: opens a transaction.
        hasher: hashes passwords.
        clock: tells the time.
        ids: makes the account's id.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, hasher: PasswordHasher, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._clock = clock
        self._ids = ids

    async def __call__(self, account: NewAccount, *, overwrite: bool = False) -> User:
        """Makes the account or finds the one that is there.

        Args:
            account: what to make.
            overwrite: give an account that is there this password and role, and make it active, instead of leaving
                it as it is.

        Raises:
            InvalidInput: INVALID_FIELD, PASSWORD_TOO_COMMON.
            AlreadyExists: USERNAME_TAKEN; EMAIL_TAKEN when another call makes the account at this moment.
        """
        email = normalize_email(account.email)
        check_names(email, account.username)
        check_password_length(account.password)
        check_password(account.password, email=email, username=account.username)
        async with self._unit_of_work() as uow:
            found = await uow.users.find_by_email(sign_in_key(email))
        if found is not None and not overwrite:
            return found.user
        password_hash = await self._hasher.hash(account.password)
        if found is None:
            return await self._add(email, account, password_hash)
        return await self._overwrite(found.user, account, password_hash)

    async def _add(self, email: str, account: NewAccount, password_hash: str) -> User:
        now = self._clock.now()
        user = User(
            id=UserId(self._ids.new_id()),
            email=email,
            username=account.username,
            role=account.role,
            native_language=DEFAULT_NATIVE_LANGUAGE,
            target_language=DEFAULT_TARGET_LANGUAGE,
            level=DEFAULT_LEVEL,
            time_zone=DEFAULT_TIME_ZONE,
            day_turn_hour=DEFAULT_DAY_TURN_HOUR,
            voice_retention_days=0,
            active=True,
            verified=account.verified,
            created_at=now,
            updated_at=now,
        )
        async with self._unit_of_work() as uow:
            await uow.users.add(user, password_hash)
            await uow.commit()
        return user

    async def _overwrite(self, found: User, account: NewAccount, password_hash: str) -> User:
        user = replace(found, role=account.role, active=True, updated_at=self._clock.now())
        async with self._unit_of_work() as uow:
            await uow.users.save(user)
            await uow.users.set_password_hash(user.id, password_hash)
            await uow.commit()
        return user
