"""An account under its rightful owner, a thief, and an administrator, in any order of what they may do.

What has to hold after every step: no token works that should be dead, and the owner, who knows a password or reads the
mail, always gets in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.accounts.domain.ladder import GUESSES, KNOWN_FOR
from server.accounts.domain.password import Password
from server.accounts.domain.session import TokenPair
from server.accounts.request_email_verification import NewAddress
from server.accounts.update_user import UserChange
from server.errors import ApplicationError, Reason
from server.kernel.identity import Caller, Role, SessionId
from tests.support.accounts import HOME, REFRESH_LIFE, Accounts, make_user, sign_in

T = TypeVar("T")

ADMIN = make_user("0198c0de-0000-7000-9000-00000000000a", email="admin@example.com", username="admin", role=Role.ADMIN)
MIKA = make_user()
PASSWORDS = ("correct horse", "battery staple", "a third one")


@dataclass
class Model:
    """What a session has to be."""

    pairs: list[TokenPair]
    over: bool = False

    @property
    def newest(self) -> TokenPair:
        return self.pairs[-1]


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.accounts = Accounts()
        self.sessions: dict[SessionId, Model] = {}
        self.password = PASSWORDS[0]
        self.active = True
        self.role = Role.STUDENT
        self.reset: tuple[str, datetime] | None = None
        self.dead_resets: list[str] = []
        self.move: str | None = None
        self.dead_moves: list[str] = []
        self.home_known_until = self.accounts.clock.now()

    def teardown(self) -> None:
        self.runner.close()

    def run(self, work: Coroutine[object, object, T]) -> T | Reason:
        async def outcome() -> T | Reason:
            try:
                return await work
            except ApplicationError as error:
                return error.reason

        return self.runner.run(outcome())

    def live(self) -> list[Model]:
        return [session for session in self.sessions.values() if self.lives(session)]

    def lives(self, session: Model) -> bool:
        return not session.over and self.accounts.clock.now() < session.newest.refresh_expires_at

    def end_all(self, keep: SessionId | None = None) -> None:
        for session_id, session in self.sessions.items():
            session.over = session.over or session_id != keep

    def caller(self, session: Model) -> Caller:
        """The session's client, with an access token that has not expired."""
        if self.accounts.clock.now() >= session.newest.access_expires_at:
            answer = self.run(self.accounts.refresh_tokens(session.newest.refresh_token, None, ""))
            assert isinstance(answer, TokenPair), "the rightful owner was locked out"
            session.pairs.append(answer)
        caller = self.run(self.accounts.authenticate(session.newest.access_token))
        assert isinstance(caller, Caller), "the rightful owner was locked out"
        return caller

    @initialize()
    def there_is_an_account(self) -> None:
        self.accounts.add_user(ADMIN)
        self.accounts.add_user(MIKA)

    @rule(by=st.sampled_from(["mika", "MIKA@example.com"]))
    def sign_in(self, by: str) -> None:
        answer = self.run(self.accounts.login(sign_in(by, self.password)))
        if answer is Reason.RATE_LIMITED:
            # From a network that nobody knows yet; the pause is short and then it is their turn.
            assert self.accounts.clock.now() >= self.home_known_until
            self.accounts.clock.advance(GUESSES.longest_pause)
            answer = self.run(self.accounts.login(sign_in(by, self.password)))
        if not self.active:
            assert answer is Reason.ACCOUNT_INACTIVE
            return
        assert not isinstance(answer, Reason), "the rightful owner was locked out"
        self.sessions[answer.tokens.session_id] = Model([answer.tokens])
        self.home_known_until = self.accounts.clock.now() + KNOWN_FOR

    @rule(
        password=st.sampled_from([*PASSWORDS, "a guess at it"]),
        by=st.sampled_from(["mika", "mika@example.com"]),
        network=st.sampled_from(["198.51.100.7", "198.51.100.8"]),
        times=st.integers(1, 30),
    )
    def someone_guesses(self, password: str, by: str, network: str, times: int) -> None:
        if password == self.password:
            return
        answers = [self.run(self.accounts.login(sign_in(by, password, network))) for _ in range(times)]
        assert set(answers) <= {Reason.INVALID_CREDENTIALS, Reason.RATE_LIMITED}
        assert answers.count(Reason.INVALID_CREDENTIALS) <= GUESSES.free

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def refresh(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.live()))
        answer = self.run(self.accounts.refresh_tokens(session.newest.refresh_token, None, ""))
        assert isinstance(answer, TokenPair), "the rightful owner was locked out"
        session.pairs.append(answer)

    @precondition(lambda self: any(len(session.pairs) > 1 for session in self.sessions.values()))
    @rule(data=st.data())
    def a_thief_shows_a_used_token(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from([each for each in self.sessions.values() if len(each.pairs) > 1]))
        used = data.draw(st.sampled_from(session.pairs[:-1]))
        answer = self.run(self.accounts.refresh_tokens(used.refresh_token, None, ""))
        expected = Reason.REFRESH_TOKEN_REUSED if self.lives(session) else Reason.REFRESH_TOKEN_INVALID
        assert answer is expected
        session.over = True

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def sign_out(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.live()))
        self.run(self.accounts.logout(self.caller(session), None))
        session.over = True

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        caller = self.caller(data.draw(st.sampled_from(self.live())))
        target = data.draw(st.sampled_from(list(self.sessions)))
        assert self.run(self.accounts.revoke_session(caller, target)) is None
        self.sessions[target].over = True

    @precondition(lambda self: self.live())
    @rule(data=st.data(), new=st.sampled_from(PASSWORDS))
    def change_the_password(self, data: st.DataObject, new: str) -> None:
        caller = self.caller(data.draw(st.sampled_from(self.live())))
        others = len(self.live()) - 1
        ended = self.run(self.accounts.change_password(caller, Password(self.password), Password(new)))
        assert ended == others
        self.password = new
        self.end_all(keep=caller.session_id)
        self.void_reset()
        self.void_move()

    @rule()
    def ask_for_a_reset(self) -> None:
        asked = self.run(self.accounts.request_password_reset("mika@example.com", HOME, None))
        if asked is Reason.RATE_LIMITED:
            return
        self.run(self.accounts.background.finish())
        if self.active:
            self.void_reset()
            self.reset = (self.accounts.mailed_token(), self.accounts.clock.now() + timedelta(hours=1))

    @precondition(lambda self: self.reset is not None)
    @rule(new=st.sampled_from(PASSWORDS))
    def reset_the_password(self, new: str) -> None:
        assert self.reset is not None
        token, until = self.reset
        answer = self.run(self.accounts.reset_password(token, Password(new), HOME))
        if self.accounts.clock.now() >= until:
            assert answer is Reason.RESET_TOKEN_INVALID
            return
        assert answer is None, "the rightful owner was locked out"
        self.password = new
        self.home_known_until = self.accounts.clock.now() + KNOWN_FOR
        self.end_all()
        self.void_reset()
        self.void_move()

    @rule(role=st.sampled_from([Role.STUDENT, Role.TEACHER]))
    def the_role_changes(self, role: Role) -> None:
        self.administer(UserChange(role=role))
        self.role = role

    @rule(active=st.booleans())
    def the_account_is_opened_or_closed(self, active: bool) -> None:
        self.administer(UserChange(active=active))
        self.active = active
        if not active:
            self.end_all()
            self.void_reset()
            self.void_move()

    def administer(self, change: UserChange) -> None:
        admin = self.run(self.accounts.caller("admin"))
        assert isinstance(admin, Caller)
        assert not isinstance(self.run(self.accounts.update_user(admin, MIKA.id, change)), Reason)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def a_thief_with_the_password_asks_to_move_the_account(self, data: st.DataObject) -> None:
        caller = self.caller(data.draw(st.sampled_from(self.live())))
        wanted = NewAddress("thief@example.com", Password(self.password))
        answer = self.run(self.accounts.request_email_verification(caller, wanted, HOME, None))
        if answer is Reason.RATE_LIMITED:
            return
        assert answer is None
        self.run(self.accounts.background.finish())
        self.void_move()
        self.move = self.accounts.mailed_token()

    def void_move(self) -> None:
        if self.move is not None:
            self.dead_moves.append(self.move)
            self.move = None

    def void_reset(self) -> None:
        if self.reset is not None:
            self.dead_resets.append(self.reset[0])
            self.reset = None

    @rule(length=st.sampled_from([timedelta(minutes=1), timedelta(minutes=20), 0.4 * REFRESH_LIFE]))
    def time_passes(self, length: timedelta) -> None:
        self.accounts.clock.advance(length)

    @invariant()
    def access_tokens_live_as_long_as_they_should_and_no_longer(self) -> None:
        now = self.accounts.clock.now()
        for session in self.sessions.values():
            for pair in session.pairs:
                answer = self.run(self.accounts.authenticate(pair.access_token))
                if now >= pair.access_expires_at:
                    assert answer is Reason.TOKEN_EXPIRED
                elif not self.lives(session):
                    assert answer is Reason.SESSION_REVOKED
                else:
                    assert isinstance(answer, Caller)
                    assert (answer.user_id, answer.role) == (MIKA.id, self.role)

    @invariant()
    def refresh_tokens_of_what_is_over_are_dead(self) -> None:
        for session in self.sessions.values():
            if not self.lives(session):
                for pair in session.pairs:
                    answer = self.run(self.accounts.refresh_tokens(pair.refresh_token, None, ""))
                    assert answer is Reason.REFRESH_TOKEN_INVALID

    @invariant()
    def reset_tokens_of_before_are_dead(self) -> None:
        for token in self.dead_resets:
            answer = self.run(self.accounts.reset_password(token, Password("somebody else's"), HOME))
            assert answer is Reason.RESET_TOKEN_INVALID

    @invariant()
    def nobody_moves_the_account_with_a_token_of_before(self) -> None:
        for token in self.dead_moves:
            assert self.run(self.accounts.verify_email(token)) is Reason.VERIFICATION_TOKEN_INVALID

    @invariant()
    def the_session_list_is_what_lives(self) -> None:
        live = {session.newest.session_id for session in self.live()}
        now = self.accounts.clock.now()
        stored = self.accounts.state.sessions.values()
        assert {each.id for each in stored if each.user_id == MIKA.id and each.live(now)} == live


Lives.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=timedelta(seconds=5))
TestLives = Lives.TestCase
