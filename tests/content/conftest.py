"""What tests of content start from."""

from __future__ import annotations

import pytest

from tests.support.content import Content


@pytest.fixture
def content() -> Content:
    return Content()
