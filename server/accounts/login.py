"""Login: begins a session."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.accounts.domain.password import Password
from server.accounts.domain.user import Credentials, sign_in_key
from server.accounts.even_times import EvenTimes
from server.accounts.guard import Guard
from server.accounts.ports import PasswordHasher, UnitOfWorkFactory
from server.accounts.session_tokens import Device, SessionTokens, SignedIn
from server.accounts.turns import Turns
from server.errors import Aborted, PermissionDenied, Reason, Unauthenticated
from server.kernel.clock import Clock
from server.kernel.leaving import deletion_started

_TRIES = 3


@dataclass(frozen=True, slots=True)
class SignIn:
    """Asks to sign in. Its repr hides who.

    Attributes:
        login: address or username.
        password: as given.
        device: what the client says of itself.
        network: where the call comes from.
    """

    login: str = field(repr=False)
    password: Password
    device: Device
    network: str = field(repr=False)


class Login:
    """Signs in with an address or username and a password.

    Args:
        unit_of_work: opens a transaction.
        hasher: compares passwords.
        tokens: begins sessions.
        clock: tells the time.
        guard: counts attempts.
        even_times: holds refusals back.
        turns: lets few sign-ins go on at once.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        hasher: PasswordHasher,
        tokens: SessionTokens,
        clock: Clock,
        guard: Guard,
        even_times: EvenTimes,
        turns: Turns,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._tokens = tokens
        self._clock = clock
        self._guard = guard
        self._even_times = even_times
        self._turns = turns

    async def __call__(self, sign_in: SignIn) -> SignedIn:
        """Begins a session. A hash of an older kind or cost is replaced on the way.

        Raises:
            Unauthenticated: INVALID_CREDENTIALS, the same in text and time whether there is such an account or not.
            PermissionDenied: ACCOUNT_INACTIVE, ACCOUNT_DELETION_STARTED, after the right password only.
            ResourceExhausted: RATE_LIMITED, likewise.
            Aborted: CONCURRENT_CHANGE, when the account keeps changing meanwhile.
        """
        attempt = await self._guard.sign_in(sign_in.login, sign_in.network)
        async with self._turns.turn():
            # From here: waiting for the turn took as long as it took, whoever it is.
            began = self._even_times.begin()
            signed_in = await self._try(sign_in)
        if signed_in is None:
            await self._guard.refused(attempt)
            await self._even_times.hold(began)
            raise _refused()
        await self._guard.proved(signed_in.user, sign_in.network)
        return signed_in

    async def _try(self, sign_in: SignIn) -> SignedIn | None:
        """None when there is no such account or the password is not its own."""
        for _ in range(_TRIES):
            found = await self._find(sign_in.login)
            verdict = await self._hasher.verify(sign_in.password, found.password_hash if found else None)
            if found is None or not verdict.matches:
                return None
            if not found.user.active:
                raise account_inactive()
            if found.user.deletion_job_id is not None:
                raise deletion_started(found.user.deletion_job_id)
            rehashed = await self._hasher.hash(sign_in.password) if verdict.outdated else None
            if (signed_in := await self._begin(found, rehashed, sign_in.device)) is not None:
                return signed_in
        raise Aborted(Reason.CONCURRENT_CHANGE, "The account is being changed by other calls. Try again.")

    async def _find(self, login: str) -> Credentials | None:
        key = sign_in_key(login)
        async with self._unit_of_work() as uow:
            if "@" in key:
                return await uow.users.find_by_email(key)
            return await uow.users.find_by_username(key)

    async def _begin(self, found: Credentials, rehashed: str | None, device: Device) -> SignedIn | None:
        """None when the account has changed while its password was compared."""
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            present = await uow.users.lock(found.user.id)
            if present is None or present.password_hash != found.password_hash or not present.user.may_sign_in:
                return None
            if rehashed is not None:
                await uow.users.set_password_hash(found.user.id, rehashed)
            tokens = await self._tokens.begin(uow, found.user.id, device, now)
            await uow.commit()
        return SignedIn(present.user, tokens)


def account_inactive() -> PermissionDenied:
    """What the owner of an account that an administrator has made inactive is told."""
    return PermissionDenied(Reason.ACCOUNT_INACTIVE, "This account has been made inactive by an administrator.")


def _refused() -> Unauthenticated:
    return Unauthenticated(Reason.INVALID_CREDENTIALS, "There is no account with this name and password.")
