"""The composition root: with `server.assembly`, the only module that knows both the edge and the adapters."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from server.accounts.authenticate import Authenticate
from server.accounts.check_session import CheckSession
from server.accounts.create_account import CreateAccount
from server.accounts.download_my_data import DownloadMyData
from server.adapters.clock import SystemClock, UuidV7Source
from server.adapters.engine_threads import Meter
from server.adapters.log import configure
from server.adapters.metrics import METRICS_PATH, Metrics
from server.adapters.object_store import ObjectAudioStore, open_store
from server.adapters.openjtalk.analyser import OpenJTalkAnalyser
from server.adapters.openjtalk.readings import SpelledReadings
from server.adapters.pages import json_page, serve_pages
from server.adapters.passwords import Argon2Passwords
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.engine import create_engine, libpq_url
from server.adapters.postgres.job_changes import PostgresJobChanges
from server.adapters.postgres.migrate import upgrade
from server.adapters.postgres.unit_of_work import reading_factory, unit_of_work_factory
from server.adapters.tokens import JWKS_PATH, JwtAccessTokens, KeyFolder, ensure_keys, jwks, page_token_secret
from server.assembly.accounts import accounts
from server.assembly.content import content
from server.assembly.demo import make_demo_accounts
from server.assembly.jobs import jobs
from server.assembly.learning import learning
from server.assembly.limits import rate_limits
from server.assembly.shared import Shared
from server.assembly.speech import Engines, load_engines, speech
from server.config import Settings
from server.content.load_starter_deck import LoadStarterDeck
from server.content.starter_deck import read_starter_deck
from server.jobs.get_job import GetJob
from server.jobs.watch_job import WatchJob
from server.rpc.server import RpcServer, Service
from server.rpc.wire import PageTokens
from server.speech.practice_sessions import PracticeSessions

_log = structlog.get_logger("kaiwa.app")


@dataclass(frozen=True, slots=True)
class Assembly:
    """A server put together, not yet listening.

    Attributes:
        practices: the practices under way; None where speech is not served.
        watch_job: the jobs under watch; None where jobs are not served.
        downloads: the archives that are being sent; None where accounts are not served.
        load_starter_deck: brings the shared sentences up to date.
        create_account: makes accounts with a role.
    """

    server: RpcServer
    practices: PracticeSessions | None
    watch_job: WatchJob | None
    downloads: DownloadMyData | None
    load_starter_deck: LoadStarterDeck
    create_account: CreateAccount


@contextlib.asynccontextmanager
async def assemble(
    settings: Settings,
    database_url: str,
    *,
    load_engines: Callable[[Settings, Meter], Engines] = load_engines,
    registry: CollectorRegistry = REGISTRY,
) -> AsyncIterator[Assembly]:
    """Puts the server together, and takes it apart when the block ends.

    Args:
        settings: what is set.
        database_url: a migrated database.
        load_engines: called, in a thread, where speech is served.
        registry: where measurements go; a process can put one server together for each.

    Raises:
        WeightsError: speech is served and there are no weights.
        OSError: the metrics address can't be bound.
    """
    async with contextlib.AsyncExitStack() as stack:
        engine = create_engine(database_url)
        stack.push_async_callback(engine.dispose)
        analyser = OpenJTalkAnalyser()
        stack.callback(analyser.close)
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        metrics = Metrics(registry)
        clock, ids = SystemClock(), UuidV7Source()
        ensure_keys(settings.keys, ids)
        keys = KeyFolder(settings.keys)
        access_tokens = JwtAccessTokens(keys, issuer=settings.tokens.issuer, audience=settings.tokens.audience)
        shared = Shared(
            settings=settings,
            stack=stack,
            unit_of_work=unit_of_work_factory(engine),
            reading=reading_factory(engine),
            store=ObjectAudioStore(open_store(settings.object_store_url, settings.home / "objects")),
            clock=clock,
            ids=ids,
            page_tokens=PageTokens(page_token_secret(settings.keys)),
            analyser=analyser,
        )
        spelled = SpelledReadings(analyser)
        services: dict[str, Callable[[], Service]] = {
            "content": lambda: content(shared, spelled),
            "learning": lambda: learning(shared),
        }
        served = [make() for name, make in services.items() if name in settings.services]
        downloads = None
        if "accounts" in settings.services:
            service, downloads = accounts(shared, passwords, access_tokens)
            served.append(service)
        watch_job = None
        if "jobs" in settings.services:
            changes = PostgresJobChanges(libpq_url(database_url))
            stack.push_async_callback(changes.close)
            unit_of_work = shared.unit_of_work
            watch_job = WatchJob(GetJob(unit_of_work, clock), changes, CheckSession(unit_of_work, clock), clock)
            served.append(jobs(shared, watch_job))
        practices = None
        if "speech" in settings.services:
            engines = await asyncio.to_thread(load_engines, settings, metrics)
            stack.callback(engines.close)
            service, practices = await speech(shared, engines)
            served.append(service)
        if settings.metrics_listen is not None:
            pages = {METRICS_PATH: metrics.page(), JWKS_PATH: json_page(lambda: jwks(keys.keys))}
            stack.callback(serve_pages(settings.metrics_listen, pages))
        server = RpcServer(
            served,
            authenticate=Authenticate(shared.reading, access_tokens, clock),
            limiter=rate_limits(settings, stack),
            metrics=metrics,
            trusted_proxies=settings.trusted_proxies,
        )
        yield Assembly(
            server,
            practices,
            watch_job,
            downloads,
            LoadStarterDeck(shared.unit_of_work, spelled, clock, ids, read_starter_deck()),
            CreateAccount(shared.unit_of_work, passwords, clock, ids),
        )


async def serve(settings: Settings, *, ready: Callable[[int], None] | None = None) -> None:
    """Runs the server until SIGTERM or SIGINT, then ends in order.

    Args:
        settings: what is set.
        ready: called with the port once calls are answered.

    Raises:
        OSError: an address can't be bound.
        WeightsError: speech is served and there are no weights.
    """
    configure(settings.log_format, settings.log_level)
    async with contextlib.AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            postgres = EmbeddedPostgres(settings.home)
            url = await asyncio.to_thread(postgres.start)
            stack.callback(postgres.stop)
        await asyncio.to_thread(upgrade, url)
        assembly = await stack.enter_async_context(assemble(settings, url))
        loaded = await assembly.load_starter_deck()
        _log.info("starter deck", added=loaded.added, changed=loaded.changed)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        port = assembly.server.listen(settings.listen)
        if settings.demo:
            await make_demo_accounts(settings, port, assembly.create_account)
        await assembly.server.start()
        _log.info("serving", port=port, services=list(settings.services))
        if ready is not None:
            ready(port)
        await stop.wait()
        _log.info("shutting down")
        await shut_down(assembly, settings)


async def shut_down(assembly: Assembly, settings: Settings) -> None:
    """Ends in order: no new work, utterances under way finished within the grace, then what is left is told so."""
    await assembly.server.drain(settings.shutdown.balancer_pause)
    if assembly.watch_job is not None:
        assembly.watch_job.end_all()
    if assembly.downloads is not None:
        assembly.downloads.end_all()
    if assembly.practices is not None:
        assembly.practices.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.shutdown.grace.total_seconds()):
                await assembly.practices.wait_until_none()
        assembly.practices.end_all()
    await assembly.server.stop(_LAST_CALLS)


_LAST_CALLS = timedelta(seconds=2)
"""How long ordinary calls under way have to end."""
