"""What the package offers at its top."""

from __future__ import annotations

import pytest

import kaiwa_client


@pytest.mark.parametrize("name", kaiwa_client.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(kaiwa_client, name).__name__ == name


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Kaiwa'"):
        _ = kaiwa_client.Kaiwa
