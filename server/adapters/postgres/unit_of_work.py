"""One transaction and the repositories that work in it.

A service's `ports.py` declares a Protocol with just the repositories it uses, each as a read-only property
(`@property def sentences(self) -> SentenceRepository: ...`); `PostgresUnitOfWork` satisfies all of them structurally.
To add a repository: write `repositories/<aggregate>.py` with a class that takes the `AsyncSession`, and add a
`cached_property` below.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from server.adapters.postgres.failures import translate
from server.adapters.postgres.repositories.attempts import PostgresAttempts
from server.adapters.postgres.repositories.audit import PostgresAudit
from server.adapters.postgres.repositories.cards import PostgresCards
from server.adapters.postgres.repositories.config import PostgresConfig
from server.adapters.postgres.repositories.exports import PostgresExports
from server.adapters.postgres.repositories.idempotency import PostgresIdempotency
from server.adapters.postgres.repositories.imported_recordings import PostgresImportedRecordings
from server.adapters.postgres.repositories.imported_scheduling import PostgresImportedScheduling
from server.adapters.postgres.repositories.imported_sentences import PostgresImportedSentences
from server.adapters.postgres.repositories.imports import PostgresImports
from server.adapters.postgres.repositories.jobs import PostgresJobs
from server.adapters.postgres.repositories.learning_settings import PostgresLearningSettings, PostgresStudyDays
from server.adapters.postgres.repositories.one_time_tokens import PostgresOneTimeTokens
from server.adapters.postgres.repositories.outgoing_mails import PostgresOutgoingMails
from server.adapters.postgres.repositories.practice_lookups import (
    PostgresLearners,
    PostgresPracticeCards,
    PostgresPracticeSentences,
)
from server.adapters.postgres.repositories.pronunciations import PostgresPronunciations
from server.adapters.postgres.repositories.review_log import (
    PostgresReviewLog,
    PostgresSequences,
    PostgresSpokenAttempts,
    PostgresStudiedSentences,
)
from server.adapters.postgres.repositories.sentences import PostgresSentences
from server.adapters.postgres.repositories.sessions import PostgresSessions
from server.adapters.postgres.repositories.speaking_sessions import PostgresSpeakingSessions
from server.adapters.postgres.repositories.statistics import PostgresStatistics
from server.adapters.postgres.repositories.study_queue import PostgresChangeFeed, PostgresStudyQueue
from server.adapters.postgres.repositories.users import PostgresUsers


class PostgresUnitOfWork:
    """A transaction that rolls back unless it is committed. For one `async with`, in one task.

    Every failure of the database that happens inside it leaves it as an application error where it means something to
    the caller (see `failures.translate`).
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions
        self._session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        """The session of the transaction under way."""
        if self._session is None:
            raise RuntimeError("a unit of work is used inside its `async with` only")
        return self._session

    @cached_property
    def idempotency(self) -> PostgresIdempotency:
        """First answers to mutations that named a request id."""
        return PostgresIdempotency(self.session)

    @cached_property
    def users(self) -> PostgresUsers:
        """Accounts."""
        return PostgresUsers(self.session)

    @cached_property
    def sessions(self) -> PostgresSessions:
        """Sign-in sessions with their refresh tokens."""
        return PostgresSessions(self.session)

    @cached_property
    def one_time_tokens(self) -> PostgresOneTimeTokens:
        """Tokens that were mailed."""
        return PostgresOneTimeTokens(self.session)

    @cached_property
    def outgoing_mails(self) -> PostgresOutgoingMails:
        """Mails that are to be sent."""
        return PostgresOutgoingMails(self.session)

    @cached_property
    def audit(self) -> PostgresAudit:
        """What administrators did."""
        return PostgresAudit(self.session)

    @cached_property
    def exports(self) -> PostgresExports:
        """Archives of exports."""
        return PostgresExports(self.session)

    @cached_property
    def config(self) -> PostgresConfig:
        """The configuration table."""
        return PostgresConfig(self.session)

    @cached_property
    def sentences(self) -> PostgresSentences:
        """Sentences."""
        return PostgresSentences(self.session)

    @cached_property
    def pronunciations(self) -> PostgresPronunciations:
        """The pronunciation dictionary."""
        return PostgresPronunciations(self.session)

    @cached_property
    def imports(self) -> PostgresImports:
        """Imports."""
        return PostgresImports(self.session)

    @cached_property
    def imported_sentences(self) -> PostgresImportedSentences:
        """Sentences of imports, many at once."""
        return PostgresImportedSentences(self.session)

    @cached_property
    def imported_scheduling(self) -> PostgresImportedScheduling:
        """Cards of imports."""
        return PostgresImportedScheduling(self.session)

    @cached_property
    def imported_recordings(self) -> PostgresImportedRecordings:
        """Recordings of imports."""
        return PostgresImportedRecordings(self.session)

    @cached_property
    def attempts(self) -> PostgresAttempts:
        """Spoken attempts."""
        return PostgresAttempts(self.session)

    @cached_property
    def speaking_sessions(self) -> PostgresSpeakingSessions:
        """Speaking sessions."""
        return PostgresSpeakingSessions(self.session)

    @cached_property
    def practice_sentences(self) -> PostgresPracticeSentences:
        """Sentences, as practices need them."""
        return PostgresPracticeSentences(self.session)

    @cached_property
    def practice_cards(self) -> PostgresPracticeCards:
        """Cards, as spoken reviews need them."""
        return PostgresPracticeCards(self.session)

    @cached_property
    def learners(self) -> PostgresLearners:
        """Accounts, as practices need them."""
        return PostgresLearners(self.session)

    @cached_property
    def statistics(self) -> PostgresStatistics:
        """Daily figures."""
        return PostgresStatistics(self.session)

    @cached_property
    def jobs(self) -> PostgresJobs:
        """Background jobs."""
        return PostgresJobs(self.session)

    @cached_property
    def sequences(self) -> PostgresSequences:
        """The order of a learner's changes."""
        return PostgresSequences(self.session)

    @cached_property
    def cards(self) -> PostgresCards:
        """Cards."""
        return PostgresCards(self.session)

    @cached_property
    def review_log(self) -> PostgresReviewLog:
        """The log of reviews and marks."""
        return PostgresReviewLog(self.session)

    @cached_property
    def learning_settings(self) -> PostgresLearningSettings:
        """Settings of study."""
        return PostgresLearningSettings(self.session)

    @cached_property
    def study_days(self) -> PostgresStudyDays:
        """How learners' days are counted."""
        return PostgresStudyDays(self.session)

    @cached_property
    def study_queue(self) -> PostgresStudyQueue:
        """What is to be studied."""
        return PostgresStudyQueue(self.session)

    @cached_property
    def change_feed(self) -> PostgresChangeFeed:
        """What changed."""
        return PostgresChangeFeed(self.session)

    @cached_property
    def studied_sentences(self) -> PostgresStudiedSentences:
        """Sentences, as cards need them."""
        return PostgresStudiedSentences(self.session)

    @cached_property
    def spoken_attempts(self) -> PostgresSpokenAttempts:
        """Spoken attempts, as reviews need them."""
        return PostgresSpokenAttempts(self.session)

    async def commit(self) -> None:
        """Makes everything done so far durable."""
        self.idempotency.check_finished()
        await self.session.commit()

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("a unit of work serves one transaction")
        self._session = self._sessions()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A second cancellation must not leave the connection in the middle of a transaction.
        await asyncio.shield(asyncio.create_task(self.session.close()))
        if error is not None and (meaning := translate(error)) is not None:
            raise meaning from error


def snapshot_factory(engine: AsyncEngine) -> Callable[[], PostgresUnitOfWork]:
    """Opens transactions that see the database as it was at their first look, whatever others change meanwhile."""
    return unit_of_work_factory(engine.execution_options(isolation_level="REPEATABLE READ"))


def reading_factory(engine: AsyncEngine) -> Callable[[], PostgresUnitOfWork]:
    """Opens units of work that only read, each statement of its own: nothing to begin, nothing to roll back.

    What they see is what a transaction of PostgreSQL's usual isolation sees, READ COMMITTED, where every statement
    looks anew. They must not be given to what changes something, as every statement would be committed at once.
    """
    return unit_of_work_factory(engine.execution_options(isolation_level="AUTOCOMMIT"))


def unit_of_work_factory(engine: AsyncEngine) -> Callable[[], PostgresUnitOfWork]:
    """What use cases are given to open their transactions with."""
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    return lambda: PostgresUnitOfWork(sessions)
