from tests.support.accounts import Accounts


async def test_returns_public_entries_only(accounts: Accounts) -> None:
    accounts.state.config.update({"app.minimum_version": ("1.2", True), "limits.secret": ("5", False)})

    assert await accounts.get_public_config() == {"app.minimum_version": "1.2"}
