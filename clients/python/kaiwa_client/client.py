"""The client: everything that an app or a script does with Kaiwa, without protobuf."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts_pb2
from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceStub
from kaiwa.content.v1 import content_service_pb2 as content_pb2
from kaiwa.content.v1.content_service_pb2_grpc import ContentServiceStub
from kaiwa.jobs.v1.jobs_service_pb2_grpc import JobsServiceStub
from kaiwa.speech.v1 import speech_service_pb2 as speech_pb2
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from kaiwa_client import models
from kaiwa_client.account import OwnAccount
from kaiwa_client.administration import Administration
from kaiwa_client.auth import Credentials, FixedToken, SessionTokens, TokenSource
from kaiwa_client.calls import QUICK, Calls
from kaiwa_client.channel import DEFAULT_ADDRESS, Address, open_channel, parse_address
from kaiwa_client.clock import Clock, SystemClock
from kaiwa_client.errors import CallFailed, NotSignedIn
from kaiwa_client.importing import Imports
from kaiwa_client.jobs import Jobs
from kaiwa_client.mapping import records
from kaiwa_client.mapping.practice_config import practice_config
from kaiwa_client.paging import collect
from kaiwa_client.practice import Practice
from kaiwa_client.practice_audio import AudioSource
from kaiwa_client.retry import RetryPolicy
from kaiwa_client.tokens import MemoryTokenStore, Tokens, TokenStore, with_login

USER_AGENT = "kaiwa-python/0.1"
LONGEST_TRANSCRIBED_FILE = 3_670_016
"""The most bytes that Transcribe takes."""

_TRANSCRIBE = 120.0


class KaiwaClient:
    """A connection to a Kaiwa server, used with `async with`.

    Every call has a deadline and is tried again where the contract allows it. Failures raise KaiwaError: NotSignedIn,
    Unreachable, or CallFailed with the contract's reason.

    Example:
        async with KaiwaClient(credentials=Credentials("mika@example.org", "...")) as kaiwa:
            async for event in kaiwa.practice(chunks, text="今日は雨だ", sample_rate_hertz=16000):
                print(event)

    Args:
        address: `host:port`, or `https://host` for TLS.
        credentials: sign in by themselves when a call needs it.
        token: an access token from elsewhere, in place of credentials; it is not refreshed.
        store: keeps the session; in memory unless given.
        device_name: what ListSessions calls this device.
        ca_file: PEM certificates to trust with TLS in place of the system's.
        clock: tells the time and waits.
        retry: when calls are made again.

    Attributes:
        account: one's own sessions, profile and data.
        jobs: one's own background work.
        admin: what administrators do.
        imports: sentences and decks brought from elsewhere.
    """

    def __init__(
        self,
        address: str | Address = DEFAULT_ADDRESS,
        *,
        credentials: Credentials | None = None,
        token: str | None = None,
        store: TokenStore | None = None,
        device_name: str = "",
        ca_file: Path | None = None,
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.address = parse_address(address) if isinstance(address, str) else address
        self.clock = clock or SystemClock()
        self._store = store or MemoryTokenStore()
        self._device_name = device_name[:100]
        self._channel = open_channel(self.address, user_agent=USER_AGENT, ca_file=ca_file)
        self._accounts = AccountsServiceStub(self._channel)
        self._content = ContentServiceStub(self._channel)
        self._speech = SpeechServiceStub(self._channel)
        self._calls = Calls(str(self.address), self.clock, retry or RetryPolicy())
        session = SessionTokens(
            self._store, refresh=self._refresh, sign_in=self._sign_in, credentials=credentials, clock=self.clock
        )
        self._tokens: TokenSource = FixedToken(token) if token else session
        self.jobs = Jobs(JobsServiceStub(self._channel), self._calls, self._tokens)
        self.account = OwnAccount(self._accounts, self._calls, self._tokens, self.jobs)
        self.admin = Administration(self._accounts, self._calls, self._tokens)
        self.imports = Imports(self._content, self._calls, self._tokens)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        await self._channel.close(None)

    async def ping(self) -> None:
        """Asks the server for a sign of life, which needs no sign-in.

        Raises:
            Unreachable: nobody answers.
        """
        request = accounts_pb2.GetPublicConfigRequest()
        try:
            await self._calls.public(
                lambda metadata: self._accounts.GetPublicConfig(request, metadata=metadata, timeout=QUICK)
            )
        except CallFailed:
            return  # Whatever it says, it is there.

    # --- Accounts ---

    async def register(self, email: str, username: str, password: str, *, time_zone: str = "") -> models.User:
        """Makes an account and signs in to it.

        Args:
            username: 3 to 32 letters, digits, `.`, `_`, `-`.
            password: 8 to 256 characters.
            time_zone: an IANA name; empty for UTC.
        """
        request = accounts_pb2.RegisterRequest(
            email=email,
            username=username,
            password=password,
            time_zone=time_zone,
            device_name=self._device_name,
            request_id=str(uuid.uuid4()),
        )
        response = await self._calls.public(
            lambda metadata: self._accounts.Register(request, metadata=metadata, timeout=QUICK)
        )
        self._store.save(with_login(records.tokens(response.tokens), email))
        return records.user(response.user)

    async def login(self, login: str, password: str) -> models.User:
        """Begins a session; `login` is an e-mail address or a username."""
        response = await self._begin_session(Credentials(login, password))
        self._store.save(with_login(records.tokens(response.tokens), login))
        return records.user(response.user)

    async def logout(self) -> None:
        """Ends the session, here and on the server. Without one nothing happens."""
        tokens = self._store.load()
        if tokens is None:
            return
        request = accounts_pb2.LogoutRequest(refresh_token=tokens.refresh_token)
        # A session that is gone already is what was wanted.
        with contextlib.suppress(NotSignedIn):
            await self._calls.signed_in(
                self._tokens, lambda metadata: self._accounts.Logout(request, metadata=metadata, timeout=QUICK)
            )
        async with self._store.exclusive():
            self._store.clear()

    async def me(self) -> models.User:
        """The account that is signed in."""
        response = await self._calls.signed_in(
            self._tokens,
            lambda metadata: self._accounts.GetMe(accounts_pb2.GetMeRequest(), metadata=metadata, timeout=QUICK),
        )
        return records.user(response.user)

    async def access_token(self) -> str:
        """An access token that was good a moment ago, for tools that call by themselves; valid for some minutes."""
        await self.me()
        return await self._tokens.token()

    async def _begin_session(self, credentials: Credentials) -> accounts_pb2.LoginResponse:
        request = accounts_pb2.LoginRequest(
            login=credentials.login, password=credentials.password, device_name=self._device_name
        )
        return await self._calls.public(
            lambda metadata: self._accounts.Login(request, metadata=metadata, timeout=QUICK)
        )

    async def _sign_in(self, credentials: Credentials) -> Tokens:
        return records.tokens((await self._begin_session(credentials)).tokens)

    async def _refresh(self, refresh_token: str, request_id: str) -> Tokens:
        request = accounts_pb2.RefreshTokensRequest(refresh_token=refresh_token, request_id=request_id)
        response = await self._calls.public(
            lambda metadata: self._accounts.RefreshTokens(request, metadata=metadata, timeout=QUICK)
        )
        return records.tokens(response.tokens)

    # --- Content ---

    async def sentences(
        self,
        *,
        query: str = "",
        difficulty: tuple[int, int] = (0, 0),
        tags: Sequence[str] = (),
        limit: int = 50,
        easiest_first: bool = False,
    ) -> list[models.Sentence]:
        """Sentences to practise: the best matches with a query, else the newest first, unless the easiest are wanted.

        Args:
            query: words to look for in Japanese, kana, romaji or English; empty for all.
            difficulty: the least and the greatest, 1 to 10; 0 for no bound.
            tags: all of which a sentence must have.
            limit: how many at most; as many pages are fetched as it takes.
            easiest_first: by difficulty; those without one last.
        """
        order = content_pb2.SENTENCE_ORDER_EASIEST if easiest_first else content_pb2.SENTENCE_ORDER_UNSPECIFIED

        async def page(size: int, token: str) -> tuple[list[models.Sentence], str]:
            request = content_pb2.ListSentencesRequest(
                page_size=size,
                page_token=token,
                query=query,
                min_difficulty=difficulty[0],
                max_difficulty=difficulty[1],
                tags=tags,
                order=order,
            )
            response = await self._calls.signed_in(
                self._tokens, lambda metadata: self._content.ListSentences(request, metadata=metadata, timeout=QUICK)
            )
            return [records.sentence(item) for item in response.sentences], response.next_page_token

        return await collect(page, limit)

    # --- Speech ---

    def practice(
        self,
        audio: AudioSource,
        *,
        sample_rate_hertz: int,
        sentence_id: str = "",
        text: str = "",
        accepted_answers: Sequence[str] = (),
        speaking_session_id: str = "",
        card_id: str = "",
        keep_audio: bool = True,
        finish_on_silence: bool = False,
        partial_interval_ms: int | None = None,
        practice_id: str = "",
        timeout: float = 600.0,
    ) -> Practice:
        """Practises one utterance; iterate over what it returns for the events.

        Args:
            audio: signed 16-bit little-endian mono samples as they are spoken, in pieces of about 100 ms.
            sample_rate_hertz: 8000 to 48000.
            sentence_id: the sentence to be read; or
            text: the text to be read; or
            accepted_answers: answers any of which may be said. With none of the three it is free speech.
            speaking_session_id: the speaking session that it belongs to.
            card_id: the card that it answers, which makes it a review.
            keep_audio: whether the server stores the recording.
            finish_on_silence: whether silence after speech ends it.
            partial_interval_ms: how often partials are wanted, 100 to 5000; None for the server's own.
            practice_id: a UUID, to go on with a practice of an earlier process; empty makes one.
            timeout: seconds that one connection may last.

        Raises:
            ValueError: more than one target.
        """
        config = practice_config(
            practice_id=practice_id or str(uuid.uuid4()),
            sample_rate_hertz=sample_rate_hertz,
            sentence_id=sentence_id,
            text=text,
            accepted_answers=accepted_answers,
            speaking_session_id=speaking_session_id,
            card_id=card_id,
            keep_audio=keep_audio,
            finish_on_silence=finish_on_silence,
            partial_interval_ms=partial_interval_ms,
        )
        return Practice(self._speech, self._calls, self._tokens, config, audio, timeout=timeout)

    async def transcribe(self, audio: bytes, *, language_hint: str = "ja") -> models.Transcription:
        """Transcribes an audio file without storing anything.

        Args:
            audio: the whole file in any common container, at most LONGEST_TRANSCRIBED_FILE bytes and 5 minutes.
            language_hint: a BCP 47 tag; empty detects the language.
        """
        request = speech_pb2.TranscribeRequest(audio=audio, language_hint=language_hint)
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._speech.Transcribe(request, metadata=metadata, timeout=_TRANSCRIBE)
        )
        return records.transcription(response)

    async def attempts(self, *, sentence_id: str = "", limit: int = 50) -> list[models.Attempt]:
        """The speaking history, newest first, at most `limit`; of one sentence where it is given."""

        async def page(size: int, token: str) -> tuple[list[models.Attempt], str]:
            request = speech_pb2.ListAttemptsRequest(page_size=size, page_token=token, sentence_id=sentence_id)
            response = await self._calls.signed_in(
                self._tokens, lambda metadata: self._speech.ListAttempts(request, metadata=metadata, timeout=QUICK)
            )
            return [records.attempt(item) for item in response.attempts], response.next_page_token

        return await collect(page, limit)

    async def attempt(self, attempt_id: str) -> models.Attempt:
        """One attempt with all details."""
        request = speech_pb2.GetAttemptRequest(attempt_id=attempt_id)
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._speech.GetAttempt(request, metadata=metadata, timeout=QUICK)
        )
        return records.attempt(response.attempt)
