"""What a file or its process may do: little, not for long, and nothing that outlives the call."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from server.adapters.audio import decoder_child
from server.adapters.audio.decoder import ProcessFileDecoder
from server.adapters.audio.decoder_process import DecoderProcess, Limits, TooMuchOutput
from server.errors import ApplicationError, DeadlineExceeded, InvalidInput, Reason, ResourceExhausted, Unavailable
from server.speech.ports import Samples
from tests.adapters.audio.conftest import exists
from tests.support.audio_files import sound_file, tone, wav

FILE = wav(tone(1.0, 16_000), 16_000)
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@asynccontextmanager
async def decoding(**options: int | Limits) -> AsyncIterator[ProcessFileDecoder]:
    decoder = ProcessFileDecoder(**options)  # type: ignore[arg-type]
    await decoder.start()
    try:
        yield decoder
    finally:
        await decoder.close()


async def begun(decoder: ProcessFileDecoder, count: int = 1, file: bytes = FILE) -> list[asyncio.Task[Samples]]:
    """Decodings that have taken their processes and don't get on, because those are stopped."""
    for process in decoder.process_ids:
        os.kill(process, signal.SIGSTOP)
    tasks = [asyncio.create_task(decoder.decode(file, longest_seconds=300)) for _ in range(count)]
    for _ in range(10):
        await asyncio.sleep(0)
    return tasks


def decoders() -> list[int]:
    """The decoder processes that this process has, wherever they come from."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"decoder_child" in command:
            found.append(int(entry.name))
    return found


async def refusal(decoding: asyncio.Task[Samples]) -> ApplicationError:
    with pytest.raises(ApplicationError) as refused:
        await decoding
    return refused.value


HOSTILE = {
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXTINF:10,\n%b\n#EXT-X-ENDLIST\n",
    "concatenation": b"ffconcat version 1.0\nfile '/etc/passwd'\nfile '%b'\n",
    "session": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n"
    b"a=control:%b\r\n",
    "manifest": b'<?xml version="1.0"?><MPD type="static"><BaseURL>%b</BaseURL></MPD>',
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("disguise", [b"", b"#\x01\x02\n"], ids=["open", "disguised"])
async def test_a_file_that_names_others_opens_none(kind: str, disguise: bytes) -> None:
    visits = 0

    def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.wav".encode()
    first, _, rest = (HOSTILE[kind] % url).partition(b"\n")
    file = first + b"\n" + disguise + rest
    async with server, decoding() as decoder:
        with pytest.raises(InvalidInput) as refused:
            await decoder.decode(file, longest_seconds=10)
        assert refused.value.reason in (Reason.AUDIO_CONTAINER_UNSUPPORTED, Reason.AUDIO_UNDECODABLE)
        # The process is the last line, whatever looked at the file before it.
        process = await DecoderProcess.start(Limits(), lambda _: None)
        try:
            status, output = await process.run(file, longest_seconds=10, wall_seconds=10, most=1 << 20)
        finally:
            await process.end()
        assert status in (decoder_child.UNDECODABLE, decoder_child.UNSUPPORTED)
        assert output == b""
    assert visits == 0


@linux
async def test_the_process_has_nothing_that_it_does_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIWA_SECRET", "hush")
    async with decoding() as decoder:
        own = Path(f"/proc/{decoder.process_ids[0]}")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (own / "limits").read_text().splitlines()}
        assert limits["Max open files"] == ["3", "3"]
        assert limits["Max file size"] == ["0", "0"]
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max processes"] == ["0", "0"]
        assert limits["Max address space"] == [str(Limits().memory_bytes)] * 2
        assert limits["Max cpu time"] == ["20", "20"]
        assert (own / "environ").read_bytes() == b"OPENBLAS_NUM_THREADS=1\0"
        assert Path(os.readlink(own / "cwd")) == Path("/")
        assert sorted(os.listdir(own / "fd")) == ["0", "1", "2"]
        assert "NoNewPrivs:\t1" in (own / "status").read_text()
        assert len(os.listdir(own / "task")) == 1


async def test_hours_of_silence_in_a_small_file_stop_at_the_limit() -> None:
    file = sound_file(np.zeros((1, 48_000 * 3_600), np.float32), 48_000, "FLAC", "PCM_16")
    assert len(file) < 1_000_000
    # An hour would be 230 MB of samples; this process could not hold them.
    async with decoding(limits=Limits(memory_bytes=384 * 1024 * 1024)) as decoder:
        with pytest.raises(InvalidInput) as refused:
            await decoder.decode(file, longest_seconds=300)
    assert refused.value.reason is Reason.AUDIO_TOO_LONG
    assert refused.value.metadata == {"field": "audio", "limit_seconds": "300"}


async def test_a_process_that_takes_too_long_is_killed() -> None:
    async with decoding(limits=Limits(wall_seconds=0.2)) as decoder:
        stuck = decoder.process_ids
        [task] = await begun(decoder)
        refused = await refusal(task)
        assert isinstance(refused, DeadlineExceeded)
        assert refused.reason is Reason.DECODE_TIMEOUT
        assert refused.metadata == {"limit_seconds": "0.2"}
        assert not any(exists(process) for process in stuck)
        # The next file has a new process.
        assert decoder.process_ids != stuck


@pytest.mark.parametrize(
    ("ended_by", "reason"),
    [
        (signal.SIGSEGV, Reason.AUDIO_UNDECODABLE),
        (signal.SIGKILL, Reason.AUDIO_UNDECODABLE),
        (signal.SIGABRT, Reason.AUDIO_UNDECODABLE),
        (signal.SIGXCPU, Reason.DECODE_TIMEOUT),
        (signal.SIGALRM, Reason.DECODE_TIMEOUT),
    ],
)
async def test_a_process_that_dies_over_a_file(ended_by: signal.Signals, reason: Reason) -> None:
    async with decoding() as decoder:
        [process] = decoder.process_ids
        [task] = await begun(decoder)
        os.kill(process, ended_by)
        os.kill(process, signal.SIGCONT)
        assert (await refusal(task)).reason is reason
        assert len(await decoder.decode(FILE, longest_seconds=10)) == 16_000


async def test_a_process_that_died_in_reserve_is_replaced() -> None:
    async with decoding() as decoder:
        [spare] = decoder.process_ids
        os.kill(spare, signal.SIGKILL)
        while exists(spare):  # noqa: ASYNC110 - nothing tells when the system has taken it away
            await asyncio.sleep(0.01)
        assert len(await decoder.decode(FILE, longest_seconds=10)) == 16_000


async def test_cancelling_leaves_no_process() -> None:
    async with decoding() as decoder:
        [process] = decoder.process_ids
        [task] = await begun(decoder)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not exists(process)
        assert len(await decoder.decode(FILE, longest_seconds=10)) == 16_000


@linux
async def test_cancelling_while_a_process_comes_up_leaves_none() -> None:
    decoder = ProcessFileDecoder(spares=0)
    for turns in range(12):
        task = asyncio.create_task(decoder.decode(FILE, longest_seconds=10))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await decoder.close()
    assert decoder.process_ids == ()
    assert decoders() == []


async def test_more_files_than_places_wait_and_more_than_those_are_refused() -> None:
    async with decoding(concurrency=2, most_waiting=1, spares=2) as decoder:
        processes = decoder.process_ids
        tasks = await begun(decoder, 3)
        assert len(decoder.process_ids) == 2
        with pytest.raises(ResourceExhausted) as refused:
            await decoder.decode(FILE, longest_seconds=10)
        assert refused.value.reason is Reason.SPEECH_OVERLOADED
        assert refused.value.metadata == {"engine": "decoder"}
        assert refused.value.retry_after is not None
        for process in processes:
            os.kill(process, signal.SIGCONT)
        assert [len(samples) for samples in await asyncio.gather(*tasks)] == [16_000] * 3


async def test_whoever_gives_up_waiting_gives_up_the_place() -> None:
    async with decoding(concurrency=1, most_waiting=1) as decoder:
        [process] = decoder.process_ids
        first, second = await begun(decoder, 2)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        third = asyncio.create_task(decoder.decode(FILE, longest_seconds=10))
        await asyncio.sleep(0)
        os.kill(process, signal.SIGCONT)
        assert [len(samples) for samples in await asyncio.gather(first, third)] == [16_000] * 2


async def test_closing_ends_what_is_under_way_and_takes_nothing_more() -> None:
    decoder = ProcessFileDecoder(concurrency=1)
    await decoder.start()
    [process] = decoder.process_ids
    first, second = await begun(decoder, 2)
    await decoder.close()
    assert not exists(process)
    for task in (first, second, asyncio.create_task(decoder.decode(FILE, longest_seconds=10))):
        refused = await refusal(task)
        assert isinstance(refused, Unavailable)
        assert refused.reason is Reason.SPEECH_ENGINE_UNAVAILABLE
        assert refused.metadata == {"engine": "decoder"}
    assert decoder.process_ids == ()
    await decoder.close()


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(start_seconds=0), id="too slow"),
        # A number that the system refuses.
        pytest.param(Limits(memory_bytes=1 << 80), id="dies"),
    ],
)
async def test_no_process_comes_up(limits: Limits) -> None:
    decoder = ProcessFileDecoder(limits=limits)
    try:
        with pytest.raises(Unavailable):
            await decoder.start()
        with pytest.raises(Unavailable) as refused:
            await decoder.decode(FILE, longest_seconds=10)
        assert refused.value.reason is Reason.SPEECH_ENGINE_UNAVAILABLE
    finally:
        await decoder.close()


async def test_output_beyond_the_limit_is_not_taken() -> None:
    process = await DecoderProcess.start(Limits(), lambda _: None)
    try:
        with pytest.raises(TooMuchOutput):
            await process.run(FILE, longest_seconds=10, wall_seconds=10, most=1_000)
    finally:
        await process.end()
    assert not exists(process.pid)


async def test_a_process_ends_with_its_server() -> None:
    program = textwrap.dedent("""
        import asyncio
        from server.adapters.audio.decoder import ProcessFileDecoder

        async def main():
            decoder = ProcessFileDecoder()
            await decoder.start()
            print(decoder.process_ids[0], flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
    """)
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert server.stdout is not None
    child = int(await server.stdout.readline())
    server.kill()
    await server.wait()
    async with asyncio.timeout(10):
        while exists(child):  # noqa: ASYNC110 - it is nobody's child any more
            await asyncio.sleep(0.01)
