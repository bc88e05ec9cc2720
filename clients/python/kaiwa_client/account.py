"""One's own account: its profile and its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts_pb2
from kaiwa.accounts.v1 import user_pb2
from kaiwa_client import models
from kaiwa_client.auth import TokenSource
from kaiwa_client.calls import QUICK, Calls
from kaiwa_client.mapping import records
from kaiwa_client.paging import collect

if TYPE_CHECKING:
    from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceAsyncStub


class OwnAccount:
    """What may be done with one's own account; `KaiwaClient.account` is one.

    Args:
        stub: the server's.
        calls: makes the calls.
        tokens: who is signed in.
    """

    def __init__(self, stub: AccountsServiceAsyncStub, calls: Calls, tokens: TokenSource) -> None:
        self._stub = stub
        self._calls = calls
        self._tokens = tokens

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
