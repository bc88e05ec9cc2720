"""A server, a worker, and two people who have rows in every table and files in every folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as accounts_rpc
from kaiwa.jobs.v1 import job_pb2, jobs_service_pb2
from kaiwa.jobs.v1 import jobs_service_pb2_grpc as jobs_rpc
from server.assembly.job_handlers import job_handlers
from server.config import Settings
from server.kernel.identity import Role
from server.worker import Pace, work
from tests.support.assembled import Assembled, address
from tests.support.ownership import Person, fill

PACE = Pace(timedelta(milliseconds=200), timedelta(seconds=5), timedelta(milliseconds=200))


@dataclass(slots=True)
class Place:
    """Everything that holds data.

    Attributes:
        served: the server; the student is Mika, the teacher Ken.
        settings: the worker's.
    """

    served: Assembled
    settings: Settings
    database_url: str
    mika: Person
    ken: Person

    @property
    def accounts(self) -> accounts_rpc.AccountsServiceAsyncStub:
        """AccountsService."""
        return accounts_rpc.AccountsServiceStub(self.served.channel)

    @property
    def jobs(self) -> jobs_rpc.JobsServiceAsyncStub:
        """JobsService."""
        return jobs_rpc.JobsServiceStub(self.served.channel)

    @property
    def objects(self) -> Path:
        """The object store."""
        return self.settings.home / "objects"

    @property
    def mail(self) -> Path:
        """Where mails are written."""
        return self.settings.home / "mail"

    def signed_in(self, role: Role = Role.STUDENT) -> tuple[tuple[str, str], ...]:
        """Metadata of a caller: Mika unless told otherwise."""
        return self.served.signed_in(role)

    def put(self, key: str, content: bytes) -> None:
        """A file in the object store."""
        path = self.objects / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker as `kaiwa-server worker` runs it, until the block ends."""
        stop = asyncio.Event()
        task = asyncio.create_task(work(self.settings, stop, job_handlers, PACE))
        try:
            yield
        finally:
            stop.set()
            await task

    async def export(self, *, omit_audio: bool = False) -> str:
        """Asks for an export of Mika's; its job."""
        request = pb.ExportMyDataRequest(omit_audio=omit_audio)
        return (await self.accounts.ExportMyData(request, metadata=self.signed_in())).job_id

    async def watched(self, job_id: str, patience: float = 60) -> job_pb2.Job:
        """A job of Mika's at its end, which it reaches within so many seconds."""
        seen = job_pb2.Job()
        request = jobs_service_pb2.WatchJobRequest(job_id=job_id)
        async for state in self.jobs.WatchJob(request, metadata=self.signed_in(), timeout=patience):
            assert state.job.progress.done >= seen.progress.done
            seen = state.job
        return seen


def furnish(served: Assembled, database_url: str) -> Place:
    """Fills every table, and the object store."""
    people = []
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        for role, name in ((Role.TEACHER, "ken"), (Role.STUDENT, "mika")):
            found = connection.execute(
                text("SELECT id::text, email, username FROM users WHERE email = :email"), {"email": address(role)}
            ).one()
            user_id, email, username = found
            person = Person(user_id, email, username, f"new-{name}@example.net")
            fill(connection, person)
            people.append(person)
    ken, mika = people
    place = Place(served, replace(served.settings, database_url=database_url), database_url, mika, ken)
    for person in people:
        place.put(f"attempts/{person.user_id}/recording.flac", b"fLaC" + person.username.encode() * 20_000)
        # One that no row names, of an attempt that was never stored.
        place.put(f"attempts/{person.user_id}/orphan.flac", b"fLaC orphan")
        place.put(f"exports/{person.user_id}/old-1.zip", b"PK")
    return place
