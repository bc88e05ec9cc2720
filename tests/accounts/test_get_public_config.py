from tests.support.accounts import Accounts


async def test_returns_public_entries_only(accounts: Accounts) -> None:
    accounts.add_config("app.minimum_version", "1.2", public=True)
    accounts.add_config("limits.secret", "5", public=False)

    assert await accounts.get_public_config() == {"app.minimum_version": "1.2"}
