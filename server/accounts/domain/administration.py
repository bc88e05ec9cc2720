"""What administrators see and change: accounts, the configuration table, and the log of what they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from server.kernel.identity import Role, UserId

Change: TypeAlias = tuple[str | bool | None, str | bool | None]
"""A value before and after; None where there was or is none."""


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which accounts to list; None, and an empty text, for any.

    Attributes:
        text: what the address or the username has to contain, as `domain.user.sign_in_key` makes it.
    """

    text: str = field(default="", repr=False)
    role: Role | None = None
    active: bool | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One setting that administrators change while the server runs.

    Attributes:
        key: lower-case words joined by dots.
        value: as text.
        description: what it is for; may be empty.
        public: whether everyone may read it.
        updated_at: when it was last set.
        updated_by: who last set it; None when the server did, or when their account is gone.
    """

    key: str
    value: str
    description: str
    public: bool
    updated_at: datetime
    updated_by: UserId | None = None


class AuditAction(StrEnum):
    """What an administrator did."""

    UPDATE_USER = "update_user"
    SET_CONFIG = "set_config"
    DELETE_CONFIG = "delete_config"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that an administrator did.

    Attributes:
        id: the entry's id.
        at: when.
        actor_id: who.
        action: what.
        changes: the fields that changed, by name. Neither ids nor addresses: a deleted account leaves none.
        user_id: the account that it was done to, if any.
        config_key: the setting that it was done to, if any.
        note: why, as they said; may be empty.
    """

    id: str
    at: datetime
    actor_id: UserId
    action: AuditAction
    changes: Mapping[str, Change]
    user_id: UserId | None = None
    config_key: str | None = None
    note: str = ""
