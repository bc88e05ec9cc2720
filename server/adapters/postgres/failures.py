"""What a failing database means to a caller: the one place where its exceptions become application errors."""

from datetime import timedelta

import psycopg
from sqlalchemy import ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.errors import Aborted, ApplicationError, InvalidInput, Reason, Unavailable

RETRY_AFTER = timedelta(seconds=1)

# SQLSTATE classes: connection, insufficient resources. Codes: read-only (a standby after failover), statement timed
# out, and the three ways in which a server that starts, stops or crashed says so.
_AWAY_CLASSES = ("08", "53")
_AWAY_CODES = frozenset({"25006", "57014", "57P01", "57P02", "57P03", "57P05"})
# Serialization failure, deadlock, and a lock waited for too long.
_CONCURRENT_CODES = frozenset({"40001", "40P01", "55P03"})
# Data exceptions.
_VALUE_CLASS = "22"
# A character that PostgreSQL can't store, as text or within JSON: U+0000.
_CHARACTER_CODES = frozenset({"22021", "22P05"})


def translate(error: BaseException) -> ApplicationError | None:
    """Says what a database failure means to the caller.

    Returns:
        `Unavailable` when the database can't be reached or has no room, `Aborted` when another transaction came
        between, `InvalidInput` when a text that got this far has a character that can't be stored; None for everything
        else: a bug of ours, or a violated constraint that a repository should have named.
    """
    if isinstance(error, PoolTimeout):
        return _away()
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return None
    code = cause.sqlstate
    # psycopg finds a NUL before the server does, and has no code for it.
    if code in _CHARACTER_CODES or (code is None and isinstance(cause, psycopg.DataError) and "NUL" in str(cause)):
        return InvalidInput("*", "text must not contain the character U+0000")
    if code is None:
        disconnected = isinstance(error, DBAPIError) and error.connection_invalidated
        return _away() if disconnected or isinstance(cause, psycopg.OperationalError) else None
    if code.startswith(_AWAY_CLASSES) or code in _AWAY_CODES:
        return _away()
    if code in _CONCURRENT_CODES:
        return Aborted(Reason.CONCURRENT_CHANGE, "Another change came between; nothing was changed. Try again.")
    return None


def redact(context: ExceptionContext) -> None:
    """Takes what people entered out of the text of a failure, which goes to the log.

    PostgreSQL tells the values that a key or a row had (`Failing row contains (...)`) and, where a value has no meaning
    in its type, the value. What stays is the kind of failure, what it says in general, and the constraint.
    """
    cause, error = context.original_exception, context.sqlalchemy_exception
    if not isinstance(cause, psycopg.Error) or cause.sqlstate is None:
        return
    general = None if cause.sqlstate.startswith(_VALUE_CLASS) else cause.diag.message_primary
    text = f"SQLSTATE {cause.sqlstate}: {general or cause.diag.constraint_name or 'a value is of no use here'}"
    cause.args = (text, *cause.args[1:])
    if error is not None:
        error.args = (f"({type(cause).__module__}.{type(cause).__qualname__}) {text}", *error.args[1:])


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint or unique index that a statement broke, such as `uq_users_email_lower`."""
    return error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None


def _away() -> Unavailable:
    return Unavailable(
        Reason.DATABASE_UNAVAILABLE,
        "The database can't be reached for the moment. Try again.",
        retry_after=RETRY_AFTER,
    )
