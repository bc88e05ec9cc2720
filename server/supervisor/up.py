"""`kaiwa-server up`: everything on one machine with one command.

Starts PostgreSQL (unless `KAIWA_DATABASE_URL` names one), then server (which migrates), Envoy and worker as children
that write to `KAIWA_HOME/logs`. What fails before all of it is ready ends `up` with the reason. Later, a child or
PostgreSQL that dies is started again, after a growing pause; one that dies again and again ends `up`.

Ctrl-C or SIGTERM ends it in order: Envoy takes no new connections, the server lets calls under way end, then worker,
Envoy and PostgreSQL. A second Ctrl-C doesn't wait for calls. If `up` itself is killed, its children end by themselves
(on Linux), or the next `up` ends them; PostgreSQL goes on and is adopted.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from server.adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from server.config import Settings
from server.supervisor import envoy
from server.supervisor.announcement import announce
from server.supervisor.children import Child, describe_end
from server.supervisor.demo_recording import sentence
from server.supervisor.home import MARK, AlreadyRunning, Home, end
from server.supervisor.keeping import Patience, UpError, keep, keep_postgres, obituary
from server.supervisor.ports import PortTaken, check_free
from server.supervisor.probes import drain_envoy, healthy_behind_envoy, serving_through_envoy
from server.supervisor.screen import Screen

FAILED = 1
ALREADY_RUNNING = 3


async def up(
    settings: Settings, environment: Mapping[str, str], screen: Screen, patience: Patience | None = None
) -> int:
    """Runs Kaiwa until it is told to stop.

    Args:
        settings: what `environment` says.
        environment: what children get, with what `up` decides added.
        screen: where progress is shown.
        patience: how long things may take.

    Returns:
        The exit status: 0 after an orderly end, 1 after a failure, 3 if Kaiwa runs in this folder already.
    """
    home = Home(settings.home.expanduser().absolute())
    logging.basicConfig(level=logging.WARNING, handlers=[_OnScreen(screen)], force=True)
    supervisor = _Supervisor(settings, environment, home, screen, patience or Patience())
    try:
        home.prepare()
        with home.taken():
            return await supervisor.run()
    except AlreadyRunning as refusal:
        screen.fault("Kaiwa", str(refusal))
        return ALREADY_RUNNING
    except OSError as error:
        screen.fault("Kaiwa", f"can't use the folder {home.folder}: {error.strerror or error}")
        return FAILED


class _OnScreen(logging.Handler):
    """Shows what our own parts warn of."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.line(f"    {record.getMessage()}")


class _Supervisor:
    def __init__(
        self, settings: Settings, environment: Mapping[str, str], home: Home, screen: Screen, patience: Patience
    ) -> None:
        self._settings = replace(settings, home=home.folder)
        self._home = home
        self._screen = screen
        self._patience = patience
        self._environment = {
            **environment,
            "KAIWA_HOME": str(home.folder),
            "KAIWA_DEMO": "1",
            "PYTHONUNBUFFERED": "1",
            MARK: str(home.folder),
        }
        self._began = time.monotonic()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._postgres: EmbeddedPostgres | None = None
        self._starting_postgres: asyncio.Task[str] | None = None
        self._server: Child | None = None
        self._worker: Child | None = None
        self._envoy: Child | None = None
        self._recording: Child | None = None

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_stop)
        status = 0
        try:
            if await self._unless_stopped(self._start()):
                announce(self._screen, self._settings, self._home, time.monotonic() - self._began)
                await self._unless_stopped(self._watch())
        except (UpError, PortTaken, EmbeddedPostgresError, envoy.EnvoyMissing) as error:
            self._screen.fault("Kaiwa", str(error))
            status = FAILED
        finally:
            await self._shut_down()
        return status

    def _told_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _unless_stopped(self, work: Coroutine[object, object, None]) -> bool:
        """Runs work to its end, or until we are told to stop; whether it came to its end."""
        task, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finished = task.done()
        await _cancel(stopped)
        if finished:
            task.result()
        else:
            await _cancel(task)
        return finished

    # --- Starting

    async def _start(self) -> None:
        self._screen.heading(f"Kaiwa in {self._home.folder}")
        if leftovers := await asyncio.to_thread(self._home.leftovers):
            await asyncio.to_thread(end, leftovers, self._patience.leftovers)
            self._screen.step("clean-up", f"ended {len(leftovers)} processes that a killed run left behind")
        await asyncio.to_thread(check_free, self._addresses())
        recording = asyncio.create_task(self._make_recording())
        try:
            await self._start_database()
            await self._start_servers()
            await recording
        finally:
            await _cancel(recording)

    def _addresses(self) -> dict[str, str]:
        settings = self._settings
        addresses = {
            "KAIWA_LISTEN": settings.listen,
            "KAIWA_ENVOY_LISTEN": settings.envoy.listen,
            "KAIWA_ENVOY_ADMIN": settings.envoy.admin,
        }
        if settings.metrics_listen is not None:
            addresses["KAIWA_METRICS_LISTEN"] = settings.metrics_listen
        return addresses

    async def _start_database(self) -> None:
        began = time.monotonic()
        url = self._settings.database_url
        if url is None:
            self._postgres = EmbeddedPostgres(self._home.folder)
            self._starting_postgres = asyncio.create_task(asyncio.to_thread(self._postgres.start))
            url = await asyncio.shield(self._starting_postgres)
            self._screen.step("PostgreSQL", f"process {self._postgres.pid()}", time.monotonic() - began)
        else:
            self._screen.step("PostgreSQL", "the one of KAIWA_DATABASE_URL")
        self._environment["KAIWA_DATABASE_URL"] = url

    async def _start_servers(self) -> None:
        began = time.monotonic()
        configuration = self._home.run / "envoy.yaml"
        configuration.write_text(envoy.render(self._settings), encoding="utf-8")
        self._server = self._child("server", self._python("server", "serve"))
        self._envoy = self._child("envoy", envoy.command(configuration))
        await self._server.start()
        await self._envoy.start()
        await self._until_ready(self._server, self._envoy)
        self._screen.step("server", self._settings.listen, time.monotonic() - began)
        self._screen.step("Envoy", self._settings.envoy.listen)
        self._worker = self._child("worker", self._python("server", "worker"))
        await self._worker.start()
        self._screen.step("worker", f"process {self._worker.pid}")

    async def _until_ready(self, *children: Child) -> None:
        """Waits until the server answers through Envoy.

        Raises:
            UpError: a child ended first, or it took too long.
        """
        ends = {asyncio.create_task(child.ended()): child for child in children}
        ready = asyncio.create_task(self._answers())
        try:
            await asyncio.wait(
                {ready, *ends}, timeout=self._patience.start.total_seconds(), return_when=asyncio.FIRST_COMPLETED
            )
            for end_of, child in ends.items():
                if end_of.done():
                    raise UpError(obituary(child, end_of.result()))
            if not ready.done():
                words = "\n".join(child.last_words() for child in children)
                raise UpError(
                    f"Kaiwa did not get ready in {self._patience.start.seconds} s. The logs end with:\n{words}"
                )
        finally:
            await _cancel(ready, *ends)

    async def _answers(self) -> None:
        address = envoy.reachable(self._settings.envoy.listen)
        # Envoy has a group of servers for speech alone, which can't be well where speech is not served.
        healthy = [healthy_behind_envoy] if "speech" in self._settings.services else []
        for probe in (serving_through_envoy, *healthy):
            while not await asyncio.to_thread(probe, address):  # noqa: ASYNC110 - another process is waited for
                await asyncio.sleep(0.1)

    async def _make_recording(self) -> None:
        """Makes the recording to practise with, unless there is one of the same sentence."""
        text, label = sentence(), self._home.run / "demo-sentence.txt"
        if self._home.demo_recording.exists() and label.exists() and label.read_text(encoding="utf-8") == text:
            return
        began = time.monotonic()
        module = ("server.supervisor.demo_recording", str(self._home.demo_recording))
        self._recording = self._child("demo-recording", self._python(*module))
        try:
            await self._to_its_end(self._recording, "The recording to practise with can't be made")
        except UpError as error:
            # A pity, but no reason not to start.
            self._screen.fault("recording", str(error))
            return
        label.write_text(text, encoding="utf-8")
        self._screen.step("recording", str(self._home.demo_recording), time.monotonic() - began)

    def _child(self, name: str, command: list[str]) -> Child:
        return Child(name, command, self._environment, self._home.logs / f"{name}.log")

    def _python(self, module: str, *arguments: str) -> list[str]:
        # -P: a folder called `server` in the working directory is not ours.
        return [sys.executable, "-P", "-m", module, *arguments]

    async def _to_its_end(self, child: Child, failure: str) -> None:
        await child.start()
        try:
            code = await child.ended()
        except asyncio.CancelledError:
            await child.kill()
            raise
        if code != 0:
            raise UpError(f"{failure} ({describe_end(code)}). {child.log} ends with:\n{child.last_words()}")

    # --- Running

    async def _watch(self) -> None:
        """Keeps everything running.

        Raises:
            UpError: something dies again and again.
        """
        children = (self._server, self._envoy, self._worker)
        keepers = [keep(child, self._patience, self._screen) for child in children if child is not None]
        if self._postgres is not None:
            keepers.append(keep_postgres(self._postgres, self._patience, self._screen))
        tasks = [asyncio.create_task(keeper) for keeper in keepers]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _cancel(*tasks)

    # --- Stopping

    async def _shut_down(self) -> None:
        began = time.monotonic()
        running = any(child is not None and child.pid for child in (self._server, self._envoy, self._worker))
        if running:
            self._screen.line("Stopping; calls under way may end. Ctrl-C again doesn't wait for them.")
        if self._envoy is not None and self._envoy.pid:
            await asyncio.to_thread(drain_envoy, envoy.reachable(self._settings.envoy.admin))
        shutdown = self._settings.shutdown
        drain = shutdown.balancer_pause + shutdown.grace + timedelta(seconds=10)
        await asyncio.gather(
            self._stop_child(self._recording, timedelta(seconds=2)),
            self._stop_child(self._server, drain),
            self._stop_child(self._worker, timedelta(seconds=10)),
        )
        await self._stop_child(self._envoy, timedelta(seconds=5))
        if self._starting_postgres is not None:
            # It can't be interrupted; what it has started has to be stopped.
            await asyncio.wait({self._starting_postgres})
            self._starting_postgres.exception()
        if self._postgres is not None:
            try:
                await asyncio.to_thread(self._postgres.stop)
            except EmbeddedPostgresError as error:
                self._screen.fault("PostgreSQL", str(error))
        if running:
            self._screen.step("stopped", "everything", time.monotonic() - began)

    async def _stop_child(self, child: Child | None, patience: timedelta) -> None:
        if child is None or not child.pid:
            return
        stopping = asyncio.create_task(child.stop(patience))
        hurrying = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({stopping, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(hurrying)
        if not stopping.done():
            await child.kill()
        if not await stopping and not self._hurry.is_set():
            self._screen.fault(child.name, f"did not end within {patience.total_seconds():.0f} s and was killed")


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """Ends tasks, whose outcome nobody wants any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
