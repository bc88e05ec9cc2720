"""One's own account: its profile, its sessions, its data, and its end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable
from contextlib import aclosing
from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts_pb2
from kaiwa.accounts.v1 import user_pb2
from kaiwa_client import models
from kaiwa_client.auth import FixedToken, TokenSource
from kaiwa_client.calls import QUICK, Calls, Metadata
from kaiwa_client.errors import CallFailed, KaiwaError
from kaiwa_client.jobs import Jobs
from kaiwa_client.mapping import records
from kaiwa_client.paging import collect

if TYPE_CHECKING:
    from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceAsyncStub

_DOWNLOAD = 1800.0
"""Seconds that one connection may send an archive."""


class OwnAccount:
    """What may be done with one's own account; `KaiwaClient.account` is one.

    Args:
        stub: the server's.
        calls: makes the calls.
        tokens: who is signed in.
        jobs: the account's jobs.
    """

    def __init__(self, stub: AccountsServiceAsyncStub, calls: Calls, tokens: TokenSource, jobs: Jobs) -> None:
        self._stub = stub
        self._calls = calls
        self._tokens = tokens
        self._jobs = jobs

    async def sessions(self, *, limit: int = 50) -> list[models.Session]:
        """The live sign-ins, the last refreshed first, at most `limit`."""

        async def page(size: int, token: str) -> tuple[list[models.Session], str]:
            request = accounts_pb2.ListSessionsRequest(page_size=size, page_token=token)
            response = await self._calls.signed_in(
                self._tokens, lambda metadata: self._stub.ListSessions(request, metadata=metadata, timeout=QUICK)
            )
            return [records.session(item) for item in response.sessions], response.next_page_token

        return await collect(page, limit)

    async def end_session(self, session_id: str) -> None:
        """Ends a session; the present one too, if it is named."""
        request = accounts_pb2.RevokeSessionRequest(session_id=session_id)
        await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.RevokeSession(request, metadata=metadata, timeout=QUICK)
        )

    async def update(
        self,
        *,
        username: str | None = None,
        native_language: str | None = None,
        level: int | None = None,
        time_zone: str | None = None,
        day_turn_hour: int | None = None,
        voice_retention_days: int | None = None,
    ) -> models.User:
        """Changes what is given of the profile, at least one value, and returns the account.

        Args:
            level: 1 to 10.
            time_zone: an IANA name.
            day_turn_hour: the local hour at which the day turns over, 0 to 23.
            voice_retention_days: days that recordings are kept, 0 (until deleted) to 3650.
        """
        given = {
            "username": username,
            "native_language": native_language,
            "level": level,
            "time_zone": time_zone,
            "day_turn_hour": day_turn_hour,
            "voice_retention_days": voice_retention_days,
        }
        request = accounts_pb2.UpdateMeRequest(
            user=user_pb2.User(
                username=username or "",
                native_language=native_language or "",
                level=level or 0,
                time_zone=time_zone or "",
                day_turn_hour=day_turn_hour or 0,
                voice_retention_days=voice_retention_days or 0,
            ),
            update_mask=FieldMask(paths=[name for name, value in given.items() if value is not None]),
        )
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.UpdateMe(request, metadata=metadata, timeout=QUICK)
        )
        return records.user(response.user)

    async def export(self, *, omit_audio: bool = False) -> str:
        """Begins an export of all that is held of the account, or finds the one that is under way; its job's id.

        Args:
            omit_audio: leaves the recordings out.
        """
        request = accounts_pb2.ExportMyDataRequest(omit_audio=omit_audio, request_id=str(uuid.uuid4()))
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.ExportMyData(request, metadata=metadata, timeout=QUICK)
        )
        return response.job_id

    async def archive(self, job_id: str) -> models.Archive:
        """What a finished export has to download."""
        async with aclosing(self.download(job_id)) as parts:
            async for part in parts:
                if isinstance(part, models.Archive):
                    return part
        raise CallFailed("The server sent no header.")

    async def download(self, job_id: str, offset: int = 0) -> AsyncGenerator[models.Archive | bytes, None]:
        """The archive of a finished export: first what it is, then its bytes from `offset` on.

        A connection that breaks is opened again where it broke.
        """
        reached, told = offset, False

        def download(metadata: Metadata) -> AsyncIterable[accounts_pb2.DownloadMyDataResponse]:
            request = accounts_pb2.DownloadMyDataRequest(job_id=job_id, offset=reached)
            return self._stub.DownloadMyData(request, metadata=metadata, timeout=_DOWNLOAD)

        async for response in self._calls.streamed(self._tokens, download):
            if response.WhichOneof("part") == "chunk":
                reached += len(response.chunk)
                yield response.chunk
            elif not told:
                told = True
                yield records.archive(response.header)

    async def delete(self, password: str) -> AsyncGenerator[models.Job, None]:
        """Deletes the account with all that belongs to it; there is no way back. Gives the deletion's states.

        The last has the result, with how much there was. It is missing where nobody could tell: the account is gone
        then, or will be soon.
        """
        request = accounts_pb2.DeleteMeRequest(password=password)
        used: list[Metadata] = []

        def delete(metadata: Metadata) -> Awaitable[accounts_pb2.DeleteMeResponse]:
            used[:] = [metadata]
            return self._stub.DeleteMe(request, metadata=metadata, timeout=QUICK)

        response = await self._calls.signed_in(self._tokens, delete)
        # The token that made the call serves to the end; there will be no other.
        token = FixedToken(dict(used[0])["authorization"].removeprefix("Bearer "))
        try:
            async for job in self._jobs.watch(response.job_id, tokens=token):
                yield job
        except KaiwaError as error:
            if error.reason not in {"JOB_NOT_FOUND", "SESSION_REVOKED", "TOKEN_EXPIRED"}:
                raise
