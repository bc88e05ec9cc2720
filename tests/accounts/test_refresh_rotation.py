"""A session under a rightful client whose answers may get lost, and a thief who shows copies of its tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.accounts.domain.session import TokenPair
from server.errors import ApplicationError, Reason
from tests.support.accounts import REFRESH_LIFE, Accounts, make_user, sign_in

T = TypeVar("T")

ENDED = {Reason.REFRESH_TOKEN_INVALID, Reason.REFRESH_TOKEN_REUSED}


class Rotation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.accounts = Accounts()
        self.requests = 0
        # What the client holds, the request it has not had an answer to, and what a thief may have copied.
        self.held = ""
        self.pending: str | None = None
        self.copies: list[str] = []
        self.pairs: list[TokenPair] = []
        self.over = False
        self.thief_was_seen = False
        self.thief_has_tokens = False

    def teardown(self) -> None:
        self.runner.close()

    def run(self, work: Coroutine[object, object, T]) -> T | Reason:
        async def outcome() -> T | Reason:
            try:
                return await work
            except ApplicationError as error:
                return error.reason

        return self.runner.run(outcome())

    def refresh(self, token: str, request_id: str | None) -> TokenPair | Reason:
        answer = self.run(self.accounts.refresh_tokens(token, request_id, ""))
        if isinstance(answer, TokenPair):
            assert not self.over, "a session that has ended gave tokens"
            self.pairs.append(answer)
            self.copies.append(answer.refresh_token)
        else:
            assert answer in ENDED
        return answer

    @initialize()
    def sign_in(self) -> None:
        self.accounts.add_user(make_user())
        begun = self.run(self.accounts.login(sign_in()))
        assert not isinstance(begun, Reason)
        self.pairs.append(begun.tokens)
        self.held = begun.tokens.refresh_token
        self.copies.append(self.held)

    @rule(arrives=st.booleans())
    def the_client_refreshes(self, arrives: bool) -> None:
        """Begins a refresh, or tries again one whose answer got lost."""
        if self.pending is None:
            self.requests += 1
            self.pending = f"request-{self.requests}"
        answer = self.refresh(self.held, self.pending)
        if isinstance(answer, TokenPair):
            if arrives:
                self.held, self.pending = answer.refresh_token, None
        else:
            assert self.over or self.thief_has_tokens or self.thief_was_seen, "the rightful owner was locked out"
            self.over = True

    @rule(data=st.data(), knows_request=st.booleans())
    def a_thief_shows_a_copy(self, data: st.DataObject, knows_request: bool) -> None:
        token = data.draw(st.sampled_from(self.copies))
        answer = self.refresh(token, self.pending if knows_request else None)
        if isinstance(answer, TokenPair):
            self.thief_has_tokens = True
        elif answer is Reason.REFRESH_TOKEN_REUSED:
            self.thief_was_seen = self.over = True

    @rule()
    def the_client_signs_out(self) -> None:
        caller = self.run(self.accounts.authenticate(self.pairs[-1].access_token))
        if not isinstance(caller, Reason):
            self.run(self.accounts.logout(caller, None))
            self.over = True

    @precondition(lambda self: not self.over)
    @rule(share=st.sampled_from([0.001, 0.3, 0.45]))
    def time_passes(self, share: float) -> None:
        self.accounts.clock.advance(share * REFRESH_LIFE)
        # A client that stays away too long loses its session by rights.
        (session,) = self.accounts.state.sessions.values()
        self.over = not session.live(self.accounts.clock.now())

    @invariant()
    def one_token_at_most_is_good(self) -> None:
        assert sum(token.used_at is None for token in self.accounts.state.tokens.values()) <= 1

    @invariant()
    def nothing_of_an_ended_session_works(self) -> None:
        if not self.over:
            return
        for pair in self.pairs:
            assert self.run(self.accounts.authenticate(pair.access_token)) in {
                Reason.SESSION_REVOKED,
                Reason.TOKEN_EXPIRED,
            }
            assert self.run(self.accounts.refresh_tokens(pair.refresh_token, None, "")) is Reason.REFRESH_TOKEN_INVALID


Rotation.TestCase.settings = settings(max_examples=150, stateful_step_count=20, deadline=timedelta(seconds=2))
TestRotation = Rotation.TestCase
