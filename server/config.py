"""Settings, read from the environment once and frozen. Nothing else reads the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

T = TypeVar("T")

SERVICES = ("accounts", "content", "learning", "speech", "jobs")


class SettingsError(Exception):
    """One or more settings can't be used. The message has a line for each."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls allowed a minute: by address for signing in, by user for the rest."""

    sign_in: int = 20
    normal: int = 1200
    costly: int = 120
    audio: int = 6000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Lifetimes of what a sign-in gives."""

    access: timedelta = timedelta(minutes=15)
    refresh: timedelta = timedelta(days=30)
    issuer: str = "kaiwa"
    audience: str = "kaiwa"


@dataclass(frozen=True, slots=True)
class Smtp:
    """A server that mail is sent by.

    Attributes:
        host, port: the server's.
        implicit_tls: whether the connection begins with TLS (`smtps`).
        user, password: to sign in with; None: without.
    """

    host: str
    port: int
    implicit_tls: bool
    user: str | None
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mails:
    """How mail goes out.

    Attributes:
        smtp: the server; None: mails are written into a folder in `Settings.home`.
        sender: the address that mails come from.
        app_url: the web app that links in mails lead to, without a slash at the end.
    """

    smtp: Smtp | None = None
    sender: str = "Kaiwa <kaiwa@localhost>"
    app_url: str = "http://localhost:8080"


@dataclass(frozen=True, slots=True)
class Whisper:
    """Which weights transcribe, and how.

    Attributes:
        model: a folder with CTranslate2 weights, a size (`base`), or a name on the model hub.
        device: `cpu` or `cuda`.
        compute_type: CTranslate2's; `default` is int8 on a CPU and float16 on CUDA.
        threads: threads of one pass.
        workers: passes at once.
    """

    model: str = "base"
    device: str = "cpu"
    compute_type: str = "default"
    threads: int = 1
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Domino:
    """Which weights judge pronunciation, and how.

    Attributes:
        model: `domino` for those that come with the installation, or an ONNX file.
        workers: utterances judged at once, on a thread each.
    """

    model: str = "domino"
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Speech:
    """Limits of practices; the contract's comments name the defaults."""

    streams_a_user: int = 2
    streams: int = 64
    audio_seconds_a_day: int = 7200
    idle_timeout: timedelta = timedelta(seconds=10)
    resume_window: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Shutdown:
    """How an orderly end goes."""

    balancer_pause: timedelta = timedelta(seconds=0)
    grace: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process.

    Attributes:
        jobs: jobs and chores at once.
    """

    jobs: int = 4


@dataclass(frozen=True, slots=True)
class Envoy:
    """The front door.

    Attributes:
        listen: `host:port` for gRPC-web and gRPC.
        admin: `host:port` of Envoy's own page; it can stop Envoy, so keep it on loopback.
        upstreams: `host:port` of the servers; none: the one at `Settings.listen`.
        speech_upstreams: `host:port` of the servers that answer SpeechService; none: `upstreams`.
        cors_origins: origins of web apps that may call: `https://app.example`, `http://localhost:*` for any port,
            `*` for every origin.
        trusted_hops: how many proxies stand in front of Envoy and may be believed about the client's address.
        connections: the most clients at once.
    """

    listen: str = "127.0.0.1:8080"
    admin: str = "127.0.0.1:9901"
    upstreams: tuple[str, ...] = ()
    speech_upstreams: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ("http://localhost:*", "http://127.0.0.1:*")
    trusted_hops: int = 0
    connections: int = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. See docs/settings.md for each variable.

    Attributes:
        home: folder of everything the server keeps by itself.
        database_url: a PostgreSQL to use; None: the embedded one in `home`.
        redis_url: shared rate limits; None: limits are counted in this process.
        object_store_url: where audio goes; None: a folder in `home`.
        keys: folder with the token-signing keys.
        listen: `host:port` of the gRPC server.
        metrics_listen: `host:port` of the metrics page; None: none.
        services: short names of the services that this process answers.
        trusted_proxies: addresses whose `x-forwarded-for` is believed.
        log_format: `json` or `console`.
        log_level: as in `logging`.
        demo: whether to make the demo accounts (only `kaiwa-server up` sets it).
    """

    home: Path = Path(".kaiwa")
    database_url: str | None = None
    redis_url: str | None = None
    object_store_url: str | None = None
    keys: Path = Path(".kaiwa/keys")
    listen: str = "127.0.0.1:50051"
    metrics_listen: str | None = "127.0.0.1:9464"
    services: tuple[str, ...] = SERVICES
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    log_format: str = "json"
    log_level: str = "INFO"
    demo: bool = False
    rates: Rates = field(default_factory=Rates)
    tokens: Tokens = field(default_factory=Tokens)
    mails: Mails = field(default_factory=Mails)
    whisper: Whisper = field(default_factory=Whisper)
    domino: Domino = field(default_factory=Domino)
    speech: Speech = field(default_factory=Speech)
    shutdown: Shutdown = field(default_factory=Shutdown)
    worker: Worker = field(default_factory=Worker)
    envoy: Envoy = field(default_factory=Envoy)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads the `KAIWA_...` variables; one that is empty counts as not set.

        Raises:
            SettingsError: a variable has a value that can't be used; all such are named.
        """
        read = _Reader(environment)
        default = cls()
        rates, tokens, whisper = default.rates, default.tokens, default.whisper
        speech, shutdown, envoy = default.speech, default.shutdown, default.envoy
        home = read("KAIWA_HOME", Path, Path(".kaiwa"))
        settings = cls(
            home=home,
            database_url=read("KAIWA_DATABASE_URL", _postgres_url, None),
            redis_url=read("KAIWA_REDIS_URL", str, None),
            object_store_url=read("KAIWA_OBJECT_STORE_URL", str, None),
            keys=read("KAIWA_KEYS", Path, home / "keys"),
            listen=read("KAIWA_LISTEN", _address, default.listen),
            metrics_listen=read("KAIWA_METRICS_LISTEN", _address_or_off, default.metrics_listen),
            services=read("KAIWA_SERVICES", _services, SERVICES),
            trusted_proxies=read("KAIWA_TRUSTED_PROXIES", _list, default.trusted_proxies),
            log_format=read("KAIWA_LOG_FORMAT", _one_of("json", "console"), default.log_format),
            log_level=read("KAIWA_LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), default.log_level),
            demo=read("KAIWA_DEMO", _boolean, False),
            rates=Rates(
                sign_in=read("KAIWA_RATE_SIGN_IN", _positive, rates.sign_in),
                normal=read("KAIWA_RATE_NORMAL", _positive, rates.normal),
                costly=read("KAIWA_RATE_COSTLY", _positive, rates.costly),
                audio=read("KAIWA_RATE_AUDIO", _positive, rates.audio),
            ),
            tokens=Tokens(
                access=read("KAIWA_ACCESS_TOKEN_SECONDS", _seconds, tokens.access),
                refresh=read("KAIWA_REFRESH_TOKEN_SECONDS", _seconds, tokens.refresh),
                issuer=read("KAIWA_TOKEN_ISSUER", str, tokens.issuer),
                audience=read("KAIWA_TOKEN_AUDIENCE", str, tokens.audience),
            ),
            mails=Mails(
                smtp=read("KAIWA_SMTP_URL", _smtp_url, None),
                sender=read("KAIWA_MAIL_FROM", _mail_sender, default.mails.sender),
                app_url=read("KAIWA_APP_URL", _web_url, default.mails.app_url),
            ),
            whisper=Whisper(
                model=read("KAIWA_WHISPER_MODEL", str, whisper.model),
                device=read("KAIWA_WHISPER_DEVICE", _one_of("cpu", "cuda"), whisper.device),
                compute_type=read("KAIWA_WHISPER_COMPUTE_TYPE", str, whisper.compute_type),
                threads=read("KAIWA_WHISPER_THREADS", _positive, whisper.threads),
                workers=read("KAIWA_WHISPER_WORKERS", _positive, whisper.workers),
            ),
            domino=Domino(
                model=read("KAIWA_DOMINO_MODEL", str, default.domino.model),
                workers=read("KAIWA_DOMINO_WORKERS", _positive, default.domino.workers),
            ),
            speech=Speech(
                streams_a_user=read("KAIWA_STREAMS_PER_USER", _positive, speech.streams_a_user),
                streams=read("KAIWA_STREAMS", _positive, speech.streams),
                audio_seconds_a_day=read("KAIWA_AUDIO_SECONDS_PER_DAY", _positive, speech.audio_seconds_a_day),
                idle_timeout=read("KAIWA_IDLE_TIMEOUT_SECONDS", _seconds, speech.idle_timeout),
                resume_window=read("KAIWA_RESUME_WINDOW_SECONDS", _seconds, speech.resume_window),
            ),
            shutdown=Shutdown(
                balancer_pause=read("KAIWA_BALANCER_PAUSE_SECONDS", _seconds, shutdown.balancer_pause),
                grace=read("KAIWA_SHUTDOWN_GRACE_SECONDS", _seconds, shutdown.grace),
            ),
            worker=Worker(jobs=read("KAIWA_WORKER_JOBS", _positive, default.worker.jobs)),
            envoy=Envoy(
                listen=read("KAIWA_ENVOY_LISTEN", _tcp_address, envoy.listen),
                admin=read("KAIWA_ENVOY_ADMIN", _tcp_address, envoy.admin),
                upstreams=read("KAIWA_ENVOY_UPSTREAMS", _addresses, envoy.upstreams),
                speech_upstreams=read("KAIWA_ENVOY_SPEECH_UPSTREAMS", _addresses, envoy.speech_upstreams),
                cors_origins=read("KAIWA_CORS_ORIGINS", _origins, envoy.cors_origins),
                trusted_hops=read("KAIWA_ENVOY_TRUSTED_HOPS", _count, envoy.trusted_hops),
                connections=read("KAIWA_ENVOY_CONNECTIONS", _positive, envoy.connections),
            ),
        )
        read.finish()
        return settings


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def __call__(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as problem:
            self._problems.append(f"{name}: {problem}")
            return default

    def finish(self) -> None:
        if self._problems:
            raise SettingsError("\n".join(self._problems))


def _postgres_url(text: str) -> str | None:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("must be a URL such as postgresql://user:password@host:5432/kaiwa")
    return f"postgresql+psycopg://{rest}"


def _smtp_url(text: str) -> Smtp | None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme not in {"smtp", "smtps"} or not url.hostname or url.path.strip("/") or url.query:
        raise ValueError("must be a URL such as smtp://user:password@host:587 or smtps://user:password@host:465")
    implicit_tls = url.scheme == "smtps"
    return Smtp(
        host=url.hostname,
        port=port or (465 if implicit_tls else 587),
        implicit_tls=implicit_tls,
        user=None if url.username is None else unquote(url.username),
        password=None if url.password is None else unquote(url.password),
    )


def _mail_sender(text: str) -> str:
    _, address = parseaddr(text)
    if "@" not in address or "\n" in text:
        raise ValueError("must be an address such as Kaiwa <kaiwa@example.org>")
    return text


def _web_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.netloc or url.query or url.fragment:
        raise ValueError("must be a URL such as https://app.example")
    return text.rstrip("/")


def _address(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if text.startswith("unix:"):
        return text
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("must be host:port, such as 0.0.0.0:50051")
    return text


def _address_or_off(text: str) -> str | None:
    return None if text == "off" else _address(text)


def _tcp_address(text: str) -> str:
    if text.startswith("unix:"):
        raise ValueError("must be host:port; Envoy takes no Unix socket here")
    return _address(text)


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(_address(part) for part in _list(text))


_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:(\d+|\*))?|https?://\[[0-9a-fA-F:.]+\](:(\d+|\*))?|\*")


def _origins(text: str) -> tuple[str, ...]:
    origins = _list(text)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin} is no origin; write https://app.example, https://*.example, http://localhost:* or *"
            )
    return origins


def _services(text: str) -> tuple[str, ...]:
    names = _list(text)
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise ValueError(f"no such service: {', '.join(unknown)}; there are {', '.join(SERVICES)}")
    return names


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError("must be a whole number above 0")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("must be a whole number")
    return int(text)


def _seconds(text: str) -> timedelta:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number of seconds") from None
    if not 0 <= value <= 400 * 86400:
        raise ValueError("must be between 0 and 400 days, in seconds")
    return timedelta(seconds=value)


def _boolean(text: str) -> bool:
    if text.lower() not in {"0", "1", "true", "false", "yes", "no"}:
        raise ValueError("must be 1 or 0")
    return text.lower() in {"1", "true", "yes"}


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}")

    return parse
