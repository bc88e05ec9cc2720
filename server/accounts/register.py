"""Register: makes an account and signs it in."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from server.accounts.domain.password import Password, check_password
from server.accounts.domain.user import (
    Credentials,
    User,
    check_time_zone,
    email_taken,
    normalize_email,
    sign_in_key,
    username_taken,
)
from server.accounts.guard import Guard
from server.accounts.ports import PasswordHasher, UnitOfWorkFactory
from server.accounts.repeat import Repeat
from server.accounts.session_tokens import Device, SessionTokens, SignedIn
from server.errors import AlreadyExists
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Role, UserId

_METHOD = "/kaiwa.accounts.v1.AccountsService/Register"


@dataclass(frozen=True, slots=True)
class Registration:
    """Asks for a new account; what is left empty has been given its default. Its repr hides who it is for.

    Attributes:
        email, username, password: as given.
        native_language, target_language, level, time_zone, day_turn_hour: as in `User`.
        device: what the session's client says of itself.
        network: where the call comes from.
        repeat: makes the call safe to retry; None where the client asked for no such thing.
    """

    email: str = field(repr=False)
    username: str = field(repr=False)
    password: Password
    native_language: str
    target_language: str
    level: int
    time_zone: str
    day_turn_hour: int
    device: Device
    network: str = field(repr=False)
    repeat: Repeat | None = None


class Register:
    """Makes an account with the role student and signs it in.

    Args:
        unit_of_work: opens a transaction.
        hasher: hashes passwords.
        tokens: begins sessions.
        clock: tells the time.
        ids: makes the account's id.
        time_zones: IANA names of the zones that the server knows.
        guard: counts who is told that names are taken.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        hasher: PasswordHasher,
        tokens: SessionTokens,
        clock: Clock,
        ids: IdSource,
        time_zones: Container[str],
        guard: Guard,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._tokens = tokens
        self._clock = clock
        self._ids = ids
        self._time_zones = time_zones
        self._guard = guard

    async def __call__(self, registration: Registration) -> SignedIn:
        """Makes the account, or returns the one that the same request made before, with new tokens.

        Raises:
            InvalidInput: PASSWORD_TOO_COMMON, TIME_ZONE_UNKNOWN.
            AlreadyExists: EMAIL_TAKEN, USERNAME_TAKEN, REQUEST_ID_REUSED.
            ResourceExhausted: RATE_LIMITED.
        """
        await self._guard.registration(registration.network)
        try:
            made = await self._make(registration)
        except AlreadyExists:
            await self._guard.name_told(registration.network)
            raise
        await self._guard.proved(made.user, registration.network)
        return made

    async def _make(self, registration: Registration) -> SignedIn:
        email = normalize_email(registration.email)
        check_password(registration.password, email=email, username=registration.username)
        check_time_zone(registration.time_zone, self._time_zones)
        # Before the costly hash; the database has the last word when the account is stored.
        if (taken := await self._taken(email, registration.username)) is None:
            password_hash = await self._hasher.hash(registration.password)
            try:
                return await self._create(email, registration, password_hash)
            except AlreadyExists as error:
                taken = error
        return await self._repeat(email, registration, taken)

    async def _taken(self, email: str, username: str) -> AlreadyExists | None:
        async with self._unit_of_work() as uow:
            if await uow.users.find_by_email(sign_in_key(email)):
                return email_taken()
            if await uow.users.find_by_username(sign_in_key(username)):
                return username_taken()
        return None

    async def _create(self, email: str, registration: Registration, password_hash: str) -> SignedIn:
        now = self._clock.now()
        user = User(
            id=UserId(self._ids.new_id()),
            email=email,
            username=registration.username,
            role=Role.STUDENT,
            native_language=registration.native_language,
            target_language=registration.target_language,
            level=registration.level,
            time_zone=registration.time_zone,
            day_turn_hour=registration.day_turn_hour,
            voice_retention_days=0,
            active=True,
            verified=False,
            created_at=now,
            updated_at=now,
        )
        async with self._unit_of_work() as uow:
            await uow.users.add(user, password_hash)
            if (repeat := registration.repeat) is not None:
                await uow.idempotency.claim(user.id, _METHOD, repeat.request_id, repeat.body_hash, now)
                await uow.idempotency.store(user.id, _METHOD, repeat.request_id, user.id.encode())
            tokens = await self._tokens.begin(uow, user.id, registration.device, now)
            await uow.commit()
        return SignedIn(user, tokens)

    async def _repeat(self, email: str, registration: Registration, taken: AlreadyExists) -> SignedIn:
        """Answers the retry of a call that made the account; refuses any other with `taken`."""
        repeat, now = registration.repeat, self._clock.now()
        if repeat is None:
            raise taken
        async with self._unit_of_work() as uow:
            first = await uow.users.find_by_email(sign_in_key(email))
            if first is None:
                raise taken
            made_by = await uow.idempotency.claim(first.user.id, _METHOD, repeat.request_id, repeat.body_hash, now)
        # Not committed: a claim that found nothing is given back.
        if made_by is None or not (await self._hasher.verify(registration.password, first.password_hash)).matches:
            raise taken
        return await self._sign_in(first, registration.device, taken)

    async def _sign_in(self, first: Credentials, device: Device, taken: AlreadyExists) -> SignedIn:
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            present = await uow.users.lock(first.user.id)
            if present is None or not present.user.may_sign_in or present.password_hash != first.password_hash:
                raise taken
            tokens = await self._tokens.begin(uow, present.user.id, device, now)
            await uow.commit()
        return SignedIn(present.user, tokens)
