"""The composition root: the only module that knows both the edge and the adapters."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from kaiwa.accounts.v1 import accounts_service_pb2_grpc as accounts_rpc
from kaiwa.content.v1 import content_service_pb2_grpc as content_rpc
from kaiwa.jobs.v1 import jobs_service_pb2_grpc as jobs_rpc
from kaiwa.learning.v1 import learning_service_pb2_grpc as learning_rpc
from kaiwa.speech.v1 import speech_service_pb2_grpc as speech_rpc
from server.accounts.authenticate import Authenticate
from server.accounts.change_password import ChangePassword
from server.accounts.check_session import CheckSession
from server.accounts.create_account import CreateAccount, NewAccount
from server.accounts.domain.password import Password
from server.accounts.get_me import GetMe
from server.accounts.get_public_config import GetPublicConfig
from server.accounts.list_config import ListConfig
from server.accounts.list_sessions import ListSessions
from server.accounts.list_users import ListUsers
from server.accounts.login import Login
from server.accounts.logout import Logout
from server.accounts.mailed_tokens import MailedTokens
from server.accounts.mails import MailTexts
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register
from server.accounts.request_email_verification import RequestEmailVerification
from server.accounts.request_password_reset import RequestPasswordReset
from server.accounts.reset_password import ResetPassword
from server.accounts.revoke_session import RevokeSession
from server.accounts.servicer import AccountsServicer, AccountsUseCases
from server.accounts.session_tokens import SessionTokens
from server.accounts.set_config import SetConfig
from server.accounts.update_me import UpdateMe
from server.accounts.update_user import UpdateUser
from server.accounts.verify_email import VerifyEmail
from server.adapters.audio.decoder import ProcessFileDecoder
from server.adapters.audio.encoder import AudioFileEncoder
from server.adapters.audio.pcm import Linear16Decoder
from server.adapters.background import BackgroundTasks
from server.adapters.clock import SystemClock, UuidV7Source, known_time_zones
from server.adapters.limiter import WindowLimiter
from server.adapters.log import configure
from server.adapters.mail import PostedMails, SmtpServer, to_folder, to_smtp
from server.adapters.metrics import METRICS_PATH, Metrics
from server.adapters.object_store import ObjectAudioStore, open_store
from server.adapters.openjtalk.analyser import OpenJTalkAnalyser
from server.adapters.openjtalk.readings import SpelledReadings, SpokenReadings
from server.adapters.pages import json_page, serve_pages
from server.adapters.passwords import Argon2Passwords
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.engine import create_engine, libpq_url
from server.adapters.postgres.job_changes import PostgresJobChanges
from server.adapters.postgres.migrate import upgrade
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, unit_of_work_factory
from server.adapters.tokens import JWKS_PATH, JwtAccessTokens, KeyFolder, ensure_keys, jwks, page_token_secret
from server.adapters.whisper.model import WhisperModel
from server.adapters.whisper.recogniser import WhisperRecogniser
from server.adapters.whisper.vad import SileroDetector, SileroNetwork
from server.adapters.whisper.weights import find_weights
from server.config import Settings
from server.content.batch_get_sentences import BatchGetSentences
from server.content.create_sentence import CreateSentence
from server.content.delete_sentence import DeleteSentence
from server.content.get_sentence import GetSentence
from server.content.list_sentences import ListSentences
from server.content.load_starter_deck import LoadStarterDeck
from server.content.servicer import ContentServicer, ContentUseCases
from server.content.starter_deck import read_starter_deck
from server.content.undelete_sentence import UndeleteSentence
from server.content.update_sentence import UpdateSentence
from server.jobs.cancel_job import CancelJob
from server.jobs.get_job import GetJob
from server.jobs.list_jobs import ListJobs
from server.jobs.servicer import JobsServicer, JobsUseCases
from server.jobs.watch_job import WatchJob
from server.kernel.identity import Role
from server.kernel.rates import Rate
from server.rpc.server import RpcServer, Service
from server.rpc.wire import PageTokens
from server.speech.assess_recording import AssessRecording
from server.speech.conclusion import Conclusion
from server.speech.delete_attempt import DeleteAttempt
from server.speech.end_speaking_session import EndSpeakingSession
from server.speech.finish_practice import FinishPractice
from server.speech.get_attempt import GetAttempt
from server.speech.get_attempt_audio import GetAttemptAudio
from server.speech.list_attempts import ListAttempts
from server.speech.list_speaking_sessions import ListSpeakingSessions
from server.speech.open_practice import OpenPractice, PracticeOpener
from server.speech.ports import Recogniser, VoiceDetector
from server.speech.practice import Practice
from server.speech.practice_config import PracticeLimits, PracticePreparation
from server.speech.practice_sessions import PracticeSessions
from server.speech.practice_spec import PracticeTools
from server.speech.push_practice_audio import PushPracticeAudio
from server.speech.servicer import SpeechServicer, SpeechUseCases
from server.speech.start_speaking_session import StartSpeakingSession
from server.speech.transcribe import Transcribe

_log = structlog.get_logger("kaiwa.app")


@dataclass(frozen=True, slots=True)
class Assembly:
    """A server put together, not yet listening.

    Attributes:
        practices: the practices under way; None where speech is not served.
        watch_job: the jobs under watch; None where jobs are not served.
        load_starter_deck: brings the shared sentences up to date.
        create_account: makes accounts with a role.
    """

    server: RpcServer
    practices: PracticeSessions | None
    watch_job: WatchJob | None
    load_starter_deck: LoadStarterDeck
    create_account: CreateAccount


@dataclass(frozen=True, slots=True)
class Engines:
    """What hears: loaded where speech is served.

    Attributes:
        close: lets go of both.
    """

    recogniser: Recogniser
    voice: VoiceDetector
    close: Callable[[], None]


def load_engines(settings: Settings) -> Engines:
    """Loads the weights; takes a second or two.

    Raises:
        WeightsError: there are none.
    """
    weights = find_weights(settings.whisper.model, settings.home / "models")
    model = WhisperModel(
        weights.folder,
        device=settings.whisper.device,
        compute_type=settings.whisper.compute_type,
        threads=settings.whisper.threads,
        workers=settings.whisper.workers,
    )
    network = SileroNetwork()
    recogniser = WhisperRecogniser(model, network, name=weights.name, workers=settings.whisper.workers)
    voice = SileroDetector(network)

    def close() -> None:
        voice.close()
        recogniser.close()

    return Engines(recogniser, voice, close)


@contextlib.asynccontextmanager
async def assemble(
    settings: Settings,
    database_url: str,
    *,
    load_engines: Callable[[Settings], Engines] = load_engines,
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
        clock, ids = SystemClock(), UuidV7Source()
        engine = create_engine(database_url)
        stack.push_async_callback(engine.dispose)
        unit_of_work = unit_of_work_factory(engine)
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        analyser = OpenJTalkAnalyser()
        stack.callback(analyser.close)
        ensure_keys(settings.keys, ids)
        keys = KeyFolder(settings.keys)
        access_tokens = JwtAccessTokens(keys, issuer=settings.tokens.issuer, audience=settings.tokens.audience)
        page_tokens = PageTokens(page_token_secret(settings.keys))
        spelled = SpelledReadings(analyser)
        services: dict[str, Callable[[], Service]] = {
            "accounts": lambda: _accounts(
                settings, stack, unit_of_work, passwords, access_tokens, clock, ids, page_tokens
            ),
            "content": lambda: _content(unit_of_work, spelled, clock, ids, page_tokens),
            # In the contract, and answered by later versions: the edge says so for each of their methods.
            "learning": lambda: Service(
                "kaiwa.learning.v1.LearningService",
                learning_rpc.add_LearningServiceServicer_to_server,
                learning_rpc.LearningServiceServicer(),
            ),
        }
        served = [make() for name, make in services.items() if name in settings.services]
        watch_job = None
        if "jobs" in settings.services:
            changes = PostgresJobChanges(libpq_url(database_url))
            stack.push_async_callback(changes.close)
            watch_job = WatchJob(GetJob(unit_of_work, clock), changes, CheckSession(unit_of_work, clock), clock)
            served.append(_jobs(unit_of_work, watch_job, clock, page_tokens))
        practices = None
        if "speech" in settings.services:
            engines = await asyncio.to_thread(load_engines, settings)
            stack.callback(engines.close)
            spoken = SpokenReadings(analyser)
            use_cases, practices = await _speech(settings, stack, engines, unit_of_work, spoken, clock, ids)
            servicer = SpeechServicer(use_cases, page_tokens)
            served.append(
                Service("kaiwa.speech.v1.SpeechService", speech_rpc.add_SpeechServiceServicer_to_server, servicer)
            )
        metrics = Metrics(registry)
        if settings.metrics_listen is not None:
            pages = {METRICS_PATH: metrics.page(), JWKS_PATH: json_page(lambda: jwks(keys.keys))}
            stack.callback(serve_pages(settings.metrics_listen, pages))
        server = RpcServer(
            served,
            authenticate=Authenticate(unit_of_work, access_tokens, clock),
            limiter=WindowLimiter(
                {
                    Rate.SIGN_IN: settings.rates.sign_in,
                    Rate.NORMAL: settings.rates.normal,
                    Rate.COSTLY: settings.rates.costly,
                    Rate.AUDIO: settings.rates.audio,
                },
                settings.redis_url,
            ),
            metrics=metrics,
            trusted_proxies=settings.trusted_proxies,
        )
        yield Assembly(
            server,
            practices,
            watch_job,
            LoadStarterDeck(unit_of_work, spelled, clock, ids, read_starter_deck()),
            CreateAccount(unit_of_work, passwords, clock, ids),
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
            await _make_demo_accounts(settings, port, assembly.create_account)
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
    if assembly.practices is not None:
        assembly.practices.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.shutdown.grace.total_seconds()):
                await assembly.practices.wait_until_none()
        assembly.practices.end_all()
    await assembly.server.stop(_LAST_CALLS)


_LAST_CALLS = timedelta(seconds=2)
"""How long ordinary calls under way have to end."""


def _accounts(
    settings: Settings,
    stack: contextlib.AsyncExitStack,
    unit_of_work: Callable[[], PostgresUnitOfWork],
    passwords: Argon2Passwords,
    access_tokens: JwtAccessTokens,
    clock: SystemClock,
    ids: UuidV7Source,
    page_tokens: PageTokens,
) -> Service:
    tokens = SessionTokens(
        access_tokens,
        ids,
        secrets.token_bytes,
        access_life=settings.tokens.access,
        refresh_life=settings.tokens.refresh,
    )
    mailer = _mailer(settings, clock, ids)
    stack.callback(mailer.close)
    background = BackgroundTasks()
    stack.push_async_callback(background.close)
    mailed, texts, zones = MailedTokens(ids, secrets.token_bytes), MailTexts(settings.mails.app_url), known_time_zones()
    use_cases = AccountsUseCases(
        register=Register(unit_of_work, passwords, tokens, clock, ids, zones),
        login=Login(unit_of_work, passwords, tokens, clock),
        refresh_tokens=RefreshTokens(unit_of_work, tokens, clock),
        logout=Logout(unit_of_work, clock),
        list_sessions=ListSessions(unit_of_work, clock),
        revoke_session=RevokeSession(unit_of_work, clock),
        get_me=GetMe(unit_of_work),
        update_me=UpdateMe(unit_of_work, clock, zones),
        change_password=ChangePassword(unit_of_work, passwords, clock),
        request_email_verification=RequestEmailVerification(unit_of_work, passwords, mailed, mailer, texts, clock),
        verify_email=VerifyEmail(unit_of_work, mailer, texts, clock),
        request_password_reset=RequestPasswordReset(unit_of_work, background, mailed, mailer, texts, clock),
        reset_password=ResetPassword(unit_of_work, passwords, clock),
        list_users=ListUsers(unit_of_work),
        update_user=UpdateUser(unit_of_work, clock, ids),
        list_config=ListConfig(unit_of_work),
        set_config=SetConfig(unit_of_work, clock, ids),
        get_public_config=GetPublicConfig(unit_of_work),
    )
    servicer = AccountsServicer(use_cases, page_tokens)
    return Service("kaiwa.accounts.v1.AccountsService", accounts_rpc.add_AccountsServiceServicer_to_server, servicer)


def _mailer(settings: Settings, clock: SystemClock, ids: UuidV7Source) -> PostedMails:
    smtp = settings.mails.smtp
    if smtp is None:
        deliver = to_folder(settings.home / "mail", ids)
    else:
        deliver = to_smtp(SmtpServer(smtp.host, smtp.port, smtp.implicit_tls, smtp.user, smtp.password))
    return PostedMails(deliver, settings.mails.sender, clock)


def _content(
    unit_of_work: Callable[[], PostgresUnitOfWork],
    analyser: SpelledReadings,
    clock: SystemClock,
    ids: UuidV7Source,
    page_tokens: PageTokens,
) -> Service:
    servicer = ContentServicer(
        ContentUseCases(
            list_sentences=ListSentences(unit_of_work),
            get_sentence=GetSentence(unit_of_work),
            batch_get_sentences=BatchGetSentences(unit_of_work),
            create_sentence=CreateSentence(unit_of_work, analyser, clock, ids),
            update_sentence=UpdateSentence(unit_of_work, analyser, clock),
            delete_sentence=DeleteSentence(unit_of_work, clock),
            undelete_sentence=UndeleteSentence(unit_of_work, clock),
        ),
        page_tokens,
    )
    return Service("kaiwa.content.v1.ContentService", content_rpc.add_ContentServiceServicer_to_server, servicer)


def _jobs(
    unit_of_work: Callable[[], PostgresUnitOfWork], watch_job: WatchJob, clock: SystemClock, page_tokens: PageTokens
) -> Service:
    servicer = JobsServicer(
        JobsUseCases(
            get_job=GetJob(unit_of_work, clock),
            watch_job=watch_job,
            cancel_job=CancelJob(unit_of_work, clock),
            list_jobs=ListJobs(unit_of_work, clock),
        ),
        page_tokens,
    )
    return Service("kaiwa.jobs.v1.JobsService", jobs_rpc.add_JobsServiceServicer_to_server, servicer)


async def _speech(
    settings: Settings,
    stack: contextlib.AsyncExitStack,
    engines: Engines,
    unit_of_work: Callable[[], PostgresUnitOfWork],
    analyser: SpokenReadings,
    clock: SystemClock,
    ids: UuidV7Source,
) -> tuple[SpeechUseCases, PracticeSessions]:
    recogniser, voice = engines.recogniser, engines.voice
    encoder = AudioFileEncoder()
    stack.callback(encoder.close)
    files = ProcessFileDecoder()
    stack.push_async_callback(files.close)
    await files.start()
    pcm = Linear16Decoder()
    store = ObjectAudioStore(open_store(settings.object_store_url, settings.home / "objects"))
    limits = PracticeLimits(
        idle_timeout=settings.speech.idle_timeout.total_seconds(),
        streams_per_user=settings.speech.streams_a_user,
        audio_seconds_a_day=settings.speech.audio_seconds_a_day,
        resume_window=settings.speech.resume_window.total_seconds(),
    )
    conclusion = Conclusion(
        recogniser=recogniser,
        analyser=analyser,
        encoder=encoder,
        store=store,
        unit_of_work=unit_of_work,
        clock=clock,
        ids=ids,
        sleep=asyncio.sleep,
    )
    practices = PracticeSessions(
        PracticeTools(
            recogniser=recogniser,
            voice=voice,
            pcm=pcm,
            analyser=analyser,
            conclusion=conclusion,
            clock=clock,
            steady=time.monotonic,
            sleep=asyncio.sleep,
            check_caller=CheckSession(unit_of_work, clock),
        ),
        streams_per_user=limits.streams_per_user,
        streams=settings.speech.streams,
    )
    prepare = PracticePreparation(unit_of_work, analyser, clock, limits)
    opener = PracticeOpener(prepare, practices)
    get_attempt = GetAttempt(unit_of_work)
    use_cases = SpeechUseCases(
        practice=Practice(opener, limits.idle_timeout, asyncio.sleep),
        open_practice=OpenPractice(opener),
        push_practice_audio=PushPracticeAudio(practices),
        finish_practice=FinishPractice(practices),
        assess_recording=AssessRecording(
            prepare=prepare,
            files=files,
            voice=voice,
            recogniser=recogniser,
            analyser=analyser,
            conclusion=conclusion,
            sleep=asyncio.sleep,
        ),
        transcribe=Transcribe(
            files=files,
            pcm=pcm,
            voice=voice,
            recogniser=recogniser,
            analyser=analyser,
            unit_of_work=unit_of_work,
            clock=clock,
            limits=limits,
        ),
        start_speaking_session=StartSpeakingSession(unit_of_work, clock, ids),
        end_speaking_session=EndSpeakingSession(unit_of_work, clock),
        list_speaking_sessions=ListSpeakingSessions(unit_of_work, clock),
        list_attempts=ListAttempts(unit_of_work),
        get_attempt=get_attempt,
        get_attempt_audio=GetAttemptAudio(get_attempt, store, encoder),
        delete_attempt=DeleteAttempt(unit_of_work, store, clock),
    )
    return use_cases, practices


async def _make_demo_accounts(settings: Settings, port: int, create_account: CreateAccount) -> None:
    """Makes the demo learner and teacher, and keeps how to sign in as them where only this user can read it."""
    path = settings.home / "demo.json"
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    demo: dict[str, object] = {"address": f"127.0.0.1:{port}"}
    for name, role in (("learner", Role.STUDENT), ("teacher", Role.TEACHER)):
        known = kept.get(name, {})
        email = known.get("email", f"{name}@demo.invalid")
        password = known.get("password", secrets.token_urlsafe(18))
        await create_account(NewAccount(email, f"demo-{name}", Password(password), role), overwrite=True)
        demo[name] = {"email": email, "password": password}
    _write_private(path, json.dumps(demo, indent=2))


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.touch(0o600)
    draft.write_text(text, "utf-8")
    os.replace(draft, path)
