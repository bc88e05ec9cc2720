import pytest

from tests.support.accounts import Accounts


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()
