"""Passwords and what is asked of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from server.accounts.domain.common_passwords import COMMON_PASSWORDS
from server.errors import InvalidInput, Reason

MIN_LENGTH = 8
MAX_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Password:
    """A password in the clear, on its way to being hashed. Its repr hides it.

    Attributes:
        text: as it was typed.
    """

    text: str = field(repr=False)

    @property
    def normalized(self) -> str:
        """The password as it is compared: in Unicode's NFKC, so that keyboards that compose differently agree."""
        return unicodedata.normalize("NFKC", self.text)


def check_password(password: Password, *, email: str, username: str, field: str = "password") -> None:
    """Refuses a password that is guessed first: among the commonest, or the account's own names.

    NIST SP 800-63B, section 3.1.1.2: compare with commonly used values, and ask for no rule on the make-up.

    Args:
        password: the new password.
        email, username: the account's.
        field: path of the field in the request, for the error.

    Raises:
        InvalidInput: PASSWORD_TOO_COMMON.
    """
    guess = password.normalized.strip().casefold()
    if guess in COMMON_PASSWORDS or guess in {email.casefold(), username.casefold()}:
        raise InvalidInput(
            field,
            "is among the first that are guessed: it is very common, or the account's own address or username",
            reason=Reason.PASSWORD_TOO_COMMON,
        )


def check_password_length(password: Password, field: str = "password") -> None:
    """Holds a password that did not come over the network against the contract's rule of length.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    if not MIN_LENGTH <= len(password.text) <= MAX_LENGTH:
        raise InvalidInput(field, f"must be {MIN_LENGTH}-{MAX_LENGTH} characters long")
