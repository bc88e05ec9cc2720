"""Errors as a good tool tells them, and the exit code of each."""

from __future__ import annotations

from collections.abc import Mapping

from kaiwa_client.channel import Address
from kaiwa_client.errors import KaiwaError, NotSignedIn, Unreachable

FAILED, USAGE, UNREACHABLE, SIGNED_OUT, INTERRUPTED = 1, 2, 3, 4, 130

_SENTENCES: Mapping[str, str] = {
    "INVALID_CREDENTIALS": "There is no account by this name, or the password is wrong.",
    "TOKEN_INVALID": "The server does not know this sign-in. Sign in again: kaiwa login",
    "TOKEN_EXPIRED": "The sign-in has expired. Sign in again: kaiwa login",
    "SESSION_REVOKED": "The sign-in was ended. Sign in again: kaiwa login",
    "REFRESH_TOKEN_INVALID": "The sign-in has expired. Sign in again: kaiwa login",
    "REFRESH_TOKEN_REUSED": "Somebody else used this sign-in, so the server ended it. Sign in again: kaiwa login",
    "TOKEN_MISSING": "Nobody is signed in. Sign in with kaiwa login, or make an account with kaiwa register",
    "ACCOUNT_INACTIVE": "This account has been made inactive by an administrator.",
    "ACCOUNT_DELETION_STARTED": "This account is being deleted.",
    "PASSWORD_INCORRECT": "That is not the account's password.",
    "LAST_ADMIN": "No administrator would be left; make another one first.",
    "JOB_NOT_FOUND": "There is no job {job_id} of yours. kaiwa jobs lists them.",
    "JOB_NOT_CANCELLABLE": "The deletion of an account can't be stopped.",
    "TOO_MANY_JOBS": "You have {limit} jobs that have not ended; wait for one, or cancel one.",
    "TOO_MANY_JOB_WATCHES": "You are watching {limit} jobs already.",
    "JOB_ATTEMPTS_EXHAUSTED": "The job ended before its time in each of {attempts} attempts; ask for a new one.",
    "JOB_TIMED_OUT": "The job ran longer than the {limit_seconds} s that it may.",
    "EXPORT_NOT_READY": "The export has not succeeded, or not yet. kaiwa jobs shows it.",
    "EXPORT_EXPIRED": "The archive has been deleted, as its time was over. kaiwa export makes a new one.",
    "EMAIL_TAKEN": "There is an account with this e-mail address already. Sign in with: kaiwa login",
    "USERNAME_TAKEN": "This username is taken; choose another one.",
    "PASSWORD_TOO_COMMON": "This password is too common, or is your own name; choose another one.",
    "TIME_ZONE_UNKNOWN": "The server does not know the time zone {time_zone}; give one like Europe/Berlin.",
    "RATE_LIMITED": "Too many calls in a short time; try again{later}.",
    "SENTENCE_NOT_FOUND": "There is no sentence {sentence_id}. kaiwa sentences lists them.",
    "ATTEMPT_NOT_FOUND": "There is no attempt {attempt_id} of yours. kaiwa history lists them.",
    "SPEAKING_SESSION_NOT_FOUND": "There is no speaking session {speaking_session_id} of yours.",
    "SPEAKING_SESSION_ENDED": "The speaking session {speaking_session_id} has ended.",
    "UNREADABLE_TEXT": "There is nothing in the text that can be read in Japanese.",
    "UTTERANCE_TOO_LONG": "The recording is longer than the {limit_seconds} s that one practice may last.",
    "TOO_MANY_STREAMS": "You have {limit} practices open already; let one end first.",
    "DAILY_AUDIO_LIMIT": "You have sent as much audio as you may in a day.",
    "SPEECH_OVERLOADED": "The server is too busy to listen; try again{later}.",
    "SPEECH_ENGINE_UNAVAILABLE": "The server's speech engine is starting; try again{later}.",
    "SPEECH_MODEL_MISSING": "The server has no speech model; its operator must supply one (kaiwa-server doctor).",
    "AUDIO_UNDECODABLE": "The server can't decode this file: it is damaged or holds no audio.",
    "AUDIO_CONTAINER_UNSUPPORTED": "The server does not read this kind of file.",
    "AUDIO_TOO_LARGE": "The file is larger than the {limit_bytes} bytes that the server takes.",
    "AUDIO_TOO_LONG": "The file plays for more than the {limit_seconds} s that the server takes.",
    "AUDIO_TOO_SHORT": "The file has less than {minimum_milliseconds} ms of audio.",
    "DECODE_TIMEOUT": "The server took too long to decode the file.",
    "IDLE_TIMEOUT": "The server waited {limit_seconds} s for audio and gave up.",
    "SHUTTING_DOWN": "The server is shutting down; try again{later}.",
    "DATABASE_UNAVAILABLE": "The server can't reach its database; try again{later}.",
    "STORAGE_UNAVAILABLE": "The server can't reach its storage; try again{later}.",
    "NOT_YET_AVAILABLE": "This server does not offer that yet.",
    "INTERNAL": "The server failed. Its log says why under {error_id}.",
}

_FIELDS: Mapping[str, str] = {
    "email": "--email takes an e-mail address of at most 254 characters.",
    "login": "--email takes an e-mail address or a username of at most 254 characters.",
    "username": "--username takes 3 to 32 letters, digits, '.', '_' and '-', a letter or digit first.",
    "password": "A password has 8 to 256 characters.",
    "time_zone": "--time-zone takes the name of a time zone such as Europe/Berlin.",
    "sentence_id": "--sentence-id takes the id of a sentence; kaiwa sentences shows them.",
    "reference_text": "--text takes a text of 1 to 400 characters.",
    "speaking_session_id": "--session takes the id of a speaking session.",
    "attempt_id": "That is no attempt's id; kaiwa history shows them.",
    "language_hint": "--language takes the code of a language such as ja or en, or auto.",
    "query": "--search takes at most 200 characters, none of them a control character.",
    "tags": "--tag takes a tag of a sentence; kaiwa sentences shows them.",
}
"""What is told of a field that the server does not take, in the words of the command line."""


def complaint(error: KaiwaError, address: Address, *, signing_in: bool) -> str:
    """What to tell about an error, with the contract's reason in brackets where there is one.

    Args:
        error: what happened.
        address: the server that was called.
        signing_in: whether the command was to sign in; otherwise refused credentials are those of the demo learner.
    """
    if isinstance(error, Unreachable):
        if address.tls and "handshake" in error.message.lower():
            return f"No TLS with {address}: it does not speak it, or its certificate is not trusted (--ca-file)."
        return f"Can't reach Kaiwa at {address}. Is it running?{' (make run)' if address.local else ''}"
    if error.reason == "INVALID_CREDENTIALS" and not signing_in:
        return f"{_SENTENCES['TOKEN_MISSING']} (The demo learner of .kaiwa/demo.json is not known at {address}.)"
    if error.reason is None:
        return {
            "DEADLINE_EXCEEDED": f"Kaiwa at {address} did not answer in time.",
            "UNIMPLEMENTED": f"What answers at {address} is no Kaiwa server, or an older one.",
        }.get(error.code, error.message)
    return f"{_sentence(error)} ({error.reason})"


def exit_code(error: KaiwaError) -> int:
    """The exit code for an error."""
    if isinstance(error, Unreachable):
        return UNREACHABLE
    return SIGNED_OUT if isinstance(error, NotSignedIn) else FAILED


def _sentence(error: KaiwaError) -> str:
    if error.reason == "INVALID_FIELD" and error.violations:
        return " ".join(dict.fromkeys(_of_field(field, description) for field, description in error.violations))
    later = "" if error.retry_after is None else f" in {error.retry_after:.0f} s" if error.retry_after >= 1 else " soon"
    try:
        return _SENTENCES[error.reason or ""].format_map({**error.metadata, "later": later})
    except KeyError:
        return error.message


def _of_field(field: str, description: str) -> str:
    name = field.rpartition(".")[2].partition("[")[0]
    return _FIELDS.get(name) or f"{field}: {description.rstrip('.')}."
