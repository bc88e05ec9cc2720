"""A decoder for the tests of a module, with no process left afterwards."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest_asyncio

from server.adapters.audio.decoder import ProcessFileDecoder


def exists(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def decoder() -> AsyncIterator[ProcessFileDecoder]:
    decoder = ProcessFileDecoder()
    await decoder.start()
    yield decoder
    processes = decoder.process_ids
    await decoder.close()
    assert not any(exists(process) for process in processes)
