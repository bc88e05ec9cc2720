"""Accounts and the names they go by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime

from server.errors import AlreadyExists, InvalidInput, Reason
from server.kernel.identity import Role, UserId

DEFAULT_NATIVE_LANGUAGE = "en"
DEFAULT_TARGET_LANGUAGE = "ja"
DEFAULT_LEVEL = 1
DEFAULT_TIME_ZONE = "UTC"
DEFAULT_DAY_TURN_HOUR = 4

# As the contract's rule for addresses: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,31}")
_MAX_EMAIL = 254


@dataclass(frozen=True, slots=True)
class User:
    """One account.

    Attributes:
        id: the account's id, for good.
        email: address, in the case it was given; unique without regard to it. Not in the repr, which may be logged.
        username: the name others see; unique without regard to case.
        role: what the account may do.
        native_language: BCP-47 tag of the language that translations are read in.
        target_language: BCP-47 tag of the language that is learnt.
        level: the learner's own estimate, 1 (absolute beginner) to 10.
        time_zone: IANA name of the zone that the learner's days are counted in.
        day_turn_hour: local hour, 0-23, at which the learner's day turns over.
        voice_retention_days: days that recordings are kept, 0-3650; 0: until they are deleted by hand.
        active: whether the account may sign in.
        verified: whether the owner has shown that the address reaches them.
        created_at, updated_at: aware, UTC.
        deletion_job_id: the job that deletes the account, when that has begun.
    """

    id: UserId
    email: str = field(repr=False)
    username: str = field(repr=False)
    role: Role
    native_language: str
    target_language: str
    level: int
    time_zone: str
    day_turn_hour: int
    voice_retention_days: int
    active: bool
    verified: bool
    created_at: datetime
    updated_at: datetime
    deletion_job_id: str | None = None

    @property
    def may_sign_in(self) -> bool:
        """Whether the owner may use it: it is active, and not being deleted."""
        return self.active and self.deletion_job_id is None


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with what proves them.

    Attributes:
        user: the account.
        password_hash: as the password hasher made it, or bcrypt's from elsewhere.
    """

    user: User
    password_hash: str = field(repr=False)


def normalize_email(text: str) -> str:
    """An address as it is stored: composed (NFKC), without spaces around it, its domain in lower case."""
    local, at, domain = unicodedata.normalize("NFKC", text).strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def sign_in_key(text: str) -> str:
    """What addresses and usernames are compared by: two that differ in case only have the same key.

    Control characters, which no name has and the database refuses, are left out.
    """
    composed = unicodedata.normalize("NFKC", text).strip()
    return "".join(character for character in composed if unicodedata.category(character) != "Cc").lower()


def check_names(email: str, username: str) -> None:
    """Holds the names of an account that is not made over the network against the contract's rules of shape.

    Raises:
        InvalidInput: INVALID_FIELD for `email` or `username`.
    """
    if len(email) > _MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise InvalidInput("email", f"must be an e-mail address of at most {_MAX_EMAIL} characters")
    if not _USERNAME.fullmatch(username):
        raise InvalidInput(
            "username",
            "must be 3-32 characters from ASCII letters, digits, '.', '_' and '-', beginning with a letter or digit",
        )


def check_time_zone(name: str, known: Container[str], field: str = "time_zone") -> None:
    """Refuses a time zone that the server can't count days in.

    Args:
        name: IANA name.
        known: the names that the server knows.
        field: path of the field in the request, for the error.

    Raises:
        InvalidInput: TIME_ZONE_UNKNOWN.
    """
    if name not in known:
        raise InvalidInput(
            field,
            "is no IANA time zone that this server knows, such as Europe/Berlin",
            reason=Reason.TIME_ZONE_UNKNOWN,
            metadata={"time_zone": name},
        )


def label(text: str, limit: int) -> str:
    """A name to show, such as a device's: without control characters and spaces around it, at most `limit` long."""
    printable = "".join(character for character in text if unicodedata.category(character) != "Cc")
    return printable.strip()[:limit].rstrip()


def email_taken(field: str = "email") -> AlreadyExists:
    """What a caller is told who wants an address that another account has."""
    return AlreadyExists(Reason.EMAIL_TAKEN, "Another account has this address.", metadata={"field": field})


def username_taken(field: str = "username") -> AlreadyExists:
    """What a caller is told who wants a username that another account has."""
    return AlreadyExists(Reason.USERNAME_TAKEN, "Another account has this username.", metadata={"field": field})
