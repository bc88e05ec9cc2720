"""The mails that accounts send."""

from __future__ import annotations

from server.accounts.ports import Mail

_SIGNATURE = "\n\nKaiwa\n"


class MailTexts:
    """Writes mails.

    Args:
        app_url: where the web app is, without a slash at the end. Tokens go behind its `#`, which browsers keep to
            themselves: no server on the way logs them.
    """

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    def verification(self, to: str, username: str, token: str) -> Mail:
        """Asks to show that an address reaches its owner."""
        return Mail(
            to,
            "Confirm your address",
            f"Hello {username},\n\n"
            "please confirm that this is your address, within 24 hours:\n\n"
            f"    {self._app_url}/verify-email#token={token}\n\n"
            f"Or enter this code:\n\n    {token}\n\n"
            "If you did not ask for this, do nothing." + _SIGNATURE,
        )

    def address_in_use(self, to: str, username: str) -> Mail:
        """Tells an owner that someone wanted to have their address for another account."""
        return Mail(
            to,
            "Your address was given for another account",
            f"Hello {username},\n\n"
            "someone asked to use this address for another Kaiwa account. It is yours already, so nothing was\n"
            "changed.\n\n"
            "If it was you: sign in to this account, or reset its password." + _SIGNATURE,
        )

    def address_changed(self, to: str, username: str) -> Mail:
        """Tells the old address that it is the account's no more."""
        return Mail(
            to,
            "Your address was changed",
            f"Hello {username},\n\n"
            "your Kaiwa account now has another address, and this one is no longer used for it.\n\n"
            "If it was not you, write to those who run the service." + _SIGNATURE,
        )

    def password_reset(self, to: str, username: str, token: str) -> Mail:
        """Lets someone who forgot their password set another."""
        return Mail(
            to,
            "Reset your password",
            f"Hello {username},\n\n"
            "set a new password here, within 1 hour:\n\n"
            f"    {self._app_url}/reset-password#token={token}\n\n"
            f"Or enter this code:\n\n    {token}\n\n"
            "If you did not ask for this, do nothing: your password stays as it is." + _SIGNATURE,
        )
