"""What the log tells of a fault, and what it keeps to itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from server.adapters import log

PASSWORD = "correct horse"
PROBLEM = "of what happened"


@pytest.fixture(autouse=True)
def _put_logging_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def fail(password: str) -> None:
    if password:
        raise ValueError(PROBLEM)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_holds_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "INFO")
    try:
        fail(PASSWORD)
    except ValueError:
        structlog.get_logger("kaiwa.test").exception("fault")
        logging.getLogger("kaiwa.test").exception("fault")

    written = capsys.readouterr().err
    assert written.count(PROBLEM) == 2
    assert PASSWORD not in written
