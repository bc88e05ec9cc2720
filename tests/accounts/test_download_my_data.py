"""DownloadMyData: what is told when there is nothing to send, and that it ends when the server does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.export import Export
from server.errors import ApplicationError, Reason, Unavailable
from server.kernel.identity import Caller, UserId
from tests.support.accounts import Accounts, FakeExport, make_user
from tests.support.kernel import NOON

KEN = UserId("0198c0de-0000-7000-9000-000000000002")
JOB, ANOTHERS, NOBODYS = (f"0198c0de-0000-7000-8000-00000000000{digit}" for digit in "abc")
WEEK = timedelta(days=7)
CONTENT = bytes(range(256)) * 1000


@pytest.fixture
async def mika(accounts: Accounts) -> Caller:
    user = accounts.add_user(make_user())
    key = f"exports/{user.id}/{JOB}-1.zip"
    archive = Export(JOB, user.id, key, len(CONTENT), b"d" * 32, NOON)
    accounts.state.exports[JOB] = FakeExport(user.id, False, NOON, "succeeded", NOON + WEEK, archive)
    accounts.state.exports[ANOTHERS] = replace(accounts.state.exports[JOB], user_id=KEN)
    accounts.files.kept[key] = CONTENT
    return await accounts.caller()


async def refused(accounts: Accounts, mika: Caller, job_id: str, offset: int = 0) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await accounts.download_my_data(mika, job_id, offset)
    return caught.value


async def test_the_bytes_in_order_in_chunks(accounts: Accounts, mika: Caller) -> None:
    download = await accounts.download_my_data(mika, JOB, 0)
    chunks = [chunk async for chunk in download.chunks]
    assert b"".join(chunks) == CONTENT
    assert max(map(len, chunks)) == 65_536
    assert (download.archive.file_name, download.expires_at) == ("kaiwa-export-2026-11-23.zip", NOON + WEEK)
    rest = await accounts.download_my_data(mika, JOB, len(CONTENT))
    assert [chunk async for chunk in rest.chunks] == []


async def test_anothers_is_as_one_that_does_not_exist(accounts: Accounts, mika: Caller) -> None:
    anothers, nobodys = await refused(accounts, mika, ANOTHERS), await refused(accounts, mika, NOBODYS)
    assert (anothers.reason, str(anothers)) == (nobodys.reason, str(nobodys))
    assert anothers.reason is Reason.JOB_NOT_FOUND


@pytest.mark.parametrize("state", ["queued", "running", "cancelling", "failed", "cancelled"])
async def test_one_that_has_not_succeeded(accounts: Accounts, mika: Caller, state: str) -> None:
    accounts.state.exports[JOB] = FakeExport(mika.user_id, False, NOON, state)
    error = await refused(accounts, mika, JOB)
    assert error.reason is Reason.EXPORT_NOT_READY
    assert error.metadata == {"job_id": JOB, "state": f"JOB_STATE_{state.upper()}"}


async def test_one_whose_time_is_over(accounts: Accounts, mika: Caller) -> None:
    row = accounts.state.exports[JOB]
    assert row.archive is not None
    accounts.clock.advance(WEEK)
    error = await refused(accounts, mika, JOB)
    assert (error.reason, error.metadata) == (Reason.EXPORT_EXPIRED, {"job_id": JOB})
    accounts.clock.at = NOON
    for gone in (
        replace(row, archive=replace(row.archive, deleted_at=NOON)),
        replace(row, archive=replace(row.archive, key="not/there")),
        FakeExport(mika.user_id, False, NOON, "failed", NOON),
    ):
        accounts.state.exports[JOB] = gone
        assert (await refused(accounts, mika, JOB)).reason is Reason.EXPORT_EXPIRED


async def test_past_its_end(accounts: Accounts, mika: Caller) -> None:
    error = await refused(accounts, mika, JOB, len(CONTENT) + 1)
    assert error.reason is Reason.EXPORT_OFFSET_OUT_OF_RANGE
    assert error.metadata == {"offset": "256001", "size_bytes": "256000"}


async def test_the_server_stops(accounts: Accounts, mika: Caller) -> None:
    download = await accounts.download_my_data(mika, JOB, 0)
    await anext(download.chunks)
    accounts.download_my_data.end_all()
    with pytest.raises(Unavailable) as stopped:
        await anext(download.chunks)
    assert stopped.value.reason is Reason.SHUTTING_DOWN
