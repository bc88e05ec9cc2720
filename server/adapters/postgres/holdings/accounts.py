"""What accounts hold: the account, its sign-ins, what was mailed and exported, and what is in administrators' logs."""

from sqlalchemy import ColumnElement, case, func, literal, or_, select

from server.adapters.postgres.holdings.held import Held, PostgresHoldings, of
from server.adapters.postgres.tables import (
    AuditLogRow,
    ExportRow,
    IdempotencyKeyRow,
    OneTimeTokenRow,
    OutgoingMailRow,
    RefreshTokenRow,
    SessionRow,
    SystemConfigRow,
    UserRow,
)
from server.kernel.identity import UserId
from server.kernel.ownership import Folder

_DIGEST = "a digest of a secret, which says nothing about you and could only help somebody to guess it"


def _of_sessions(user_id: UserId) -> ColumnElement[bool]:
    return RefreshTokenRow.session_id.in_(select(SessionRow.id).where(SessionRow.user_id == user_id))


def _mentioned(user_id: UserId) -> ColumnElement[bool]:
    address = select(func.lower(UserRow.email)).where(UserRow.id == user_id).scalar_subquery()
    return or_(func.strpos(func.lower(AuditLogRow.note), address) > 0, func.strpos(AuditLogRow.note, user_id) > 0)


def _logged(user_id: UserId) -> ColumnElement[bool]:
    return or_(AuditLogRow.actor_id == user_id, AuditLogRow.user_id == user_id, _mentioned(user_id))


ACCOUNTS = PostgresHoldings(
    [
        Held(
            UserRow,
            "accounts/account",
            "Your account and profile.",
            of(UserRow.id),
            withheld={"password_hash": _DIGEST},
            with_account=True,
        ),
        Held(
            SessionRow,
            "accounts/sessions",
            "Your sign-ins, one for each device, as long as they live and a week longer.",
            of(SessionRow.user_id),
            with_account=True,
        ),
        Held(
            RefreshTokenRow,
            "accounts/refresh_tokens",
            "When each sign-in was renewed.",
            _of_sessions,
            withheld={"token_hash": _DIGEST},
            with_account=True,
        ),
        Held(
            OneTimeTokenRow,
            "accounts/mailed_tokens",
            "Links that were mailed to you and have not expired.",
            of(OneTimeTokenRow.user_id),
            withheld={"token_hash": _DIGEST},
        ),
        Held(
            OutgoingMailRow,
            "accounts/outgoing_mails",
            "Mails to you that have not gone out yet.",
            of(OutgoingMailRow.user_id),
            withheld={"body_hash": _DIGEST},
        ),
        Held(
            ExportRow,
            "accounts/exports",
            "Earlier exports of your data.",
            of(ExportRow.user_id),
            withheld={"object_key": "where the archive lies on the server"},
        ),
        Held(
            IdempotencyKeyRow,
            "accounts/repeatable_requests",
            "Calls of the last week that your apps could have repeated.",
            of(IdempotencyKeyRow.user_id),
            withheld={
                "body_hash": "a digest of the request, to tell a repeat from another request",
                "response": "the first answer, in the protocol's own form; what it says is in the other files",
            },
        ),
        Held(
            AuditLogRow,
            "accounts/audit_log",
            "What administrators did to your account, and what you did as one.",
            _logged,
            withheld={
                "actor_id": "an administrator's id, which is theirs; by_you says whether it is yours",
                "user_id": "another account's id, which is its owner's; about_you says whether it is yours",
            },
            added={
                "by_you": lambda user_id: func.coalesce(AuditLogRow.actor_id == user_id, False),
                "about_you": lambda user_id: func.coalesce(AuditLogRow.user_id == user_id, False),
            },
            # What was done stays on record; who it was done to or by does not.
            forget=lambda user_id: {
                "actor_id": func.nullif(AuditLogRow.actor_id, literal(user_id, AuditLogRow.actor_id.type)),
                "user_id": func.nullif(AuditLogRow.user_id, literal(user_id, AuditLogRow.user_id.type)),
                "note": case(
                    (or_(func.coalesce(AuditLogRow.user_id == user_id, False), _mentioned(user_id)), ""),
                    else_=AuditLogRow.note,
                ),
            },
        ),
        Held(
            SystemConfigRow,
            "accounts/settings_changed",
            "Which settings of the server you were the last to change, as an administrator.",
            of(SystemConfigRow.updated_by),
            withheld={
                name: "the server's setting, which says nothing about you"
                for name in ("value", "description", "is_public")
            },
            forget=lambda user_id: {"updated_by": None},
        ),
    ],
    [Folder("exports/{user_id}/", None, "Archives of earlier exports: each holds what this one held at its time.")],
)
"""What accounts hold."""
