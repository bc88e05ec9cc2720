"""What administrators do: other people's accounts, and the server's configuration table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts_pb2
from kaiwa.accounts.v1 import config_entry_pb2, user_pb2
from kaiwa_client import models
from kaiwa_client.auth import TokenSource
from kaiwa_client.calls import QUICK, Calls
from kaiwa_client.mapping import records
from kaiwa_client.paging import collect

if TYPE_CHECKING:
    from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceAsyncStub

ROLES = ("student", "teacher", "admin")


class Administration:
    """What an administrator may do; `KaiwaClient.admin` is one. To others every call fails with ROLE_REQUIRED.

    Args:
        stub: the server's.
        calls: makes the calls.
        tokens: who is signed in.
    """

    def __init__(self, stub: AccountsServiceAsyncStub, calls: Calls, tokens: TokenSource) -> None:
        self._stub = stub
        self._calls = calls
        self._tokens = tokens

    async def users(
        self, *, query: str = "", role: str = "", active: bool | None = None, limit: int = 50
    ) -> list[models.User]:
        """Accounts, the newest first.

        Args:
            query: what the address or username contains; empty for any.
            role: one of ROLES; empty for any.
            active: only active accounts, or only inactive ones; None for both.
            limit: how many at most.
        """

        async def page(size: int, token: str) -> tuple[list[models.User], str]:
            request = accounts_pb2.ListUsersRequest(
                query=query, role=_role(role), active=active, page_size=size, page_token=token
            )
            response = await self._calls.signed_in(
                self._tokens, lambda metadata: self._stub.ListUsers(request, metadata=metadata, timeout=QUICK)
            )
            return [records.user(item) for item in response.users], response.next_page_token

        return await collect(page, limit)

    async def update_user(
        self, user_id: str, *, role: str = "", active: bool | None = None, note: str = ""
    ) -> models.User:
        """Changes an account's role, whether it is active, or both, and returns it.

        Args:
            role: one of ROLES; empty leaves it.
            active: None leaves it.
            note: why, for the audit log.
        """
        paths = [*(["role"] if role else []), *(["active"] if active is not None else [])]
        request = accounts_pb2.UpdateUserRequest(
            user=user_pb2.User(id=user_id, role=_role(role), active=bool(active)),
            update_mask=FieldMask(paths=paths),
            audit_note=note,
        )
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.UpdateUser(request, metadata=metadata, timeout=QUICK)
        )
        return records.user(response.user)

    async def config(self, *, key_prefix: str = "", limit: int = 50) -> list[models.ConfigEntry]:
        """Entries of the configuration table whose keys begin so, in the order of their keys, at most `limit`."""

        async def page(size: int, token: str) -> tuple[list[models.ConfigEntry], str]:
            request = accounts_pb2.ListConfigRequest(key_prefix=key_prefix, page_size=size, page_token=token)
            response = await self._calls.signed_in(
                self._tokens, lambda metadata: self._stub.ListConfig(request, metadata=metadata, timeout=QUICK)
            )
            return [records.config_entry(item) for item in response.entries], response.next_page_token

        return await collect(page, limit)

    async def set_config(
        self, key: str, value: str, *, description: str = "", public: bool = False, note: str = ""
    ) -> models.ConfigEntry:
        """Sets an entry of the configuration table as a whole, and returns it.

        Args:
            public: whether everyone may read it.
            note: why, for the audit log.
        """
        entry = config_entry_pb2.ConfigEntry(key=key, value=value, description=description, public=public)
        response = await self._change(accounts_pb2.SetConfigRequest(entry=entry, audit_note=note))
        return records.config_entry(response.entry)

    async def delete_config(self, key: str, *, note: str = "") -> None:
        """Deletes an entry of the configuration table; one that is not there is no error."""
        await self._change(accounts_pb2.SetConfigRequest(delete_key=key, audit_note=note))

    async def _change(self, request: accounts_pb2.SetConfigRequest) -> accounts_pb2.SetConfigResponse:
        return await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.SetConfig(request, metadata=metadata, timeout=QUICK)
        )


def _role(name: str) -> user_pb2.Role.ValueType:
    return user_pb2.Role.Value(f"ROLE_{name.upper()}") if name else user_pb2.ROLE_UNSPECIFIED
