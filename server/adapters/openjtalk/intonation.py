"""The melody that Open JTalk's voice gives to a sentence, generated from the voice's own model of log F0.

An HTS voice chooses for each of the five states of a phone a duration and a Gaussian of log F0 and its differences,
with decision trees that ask for the phone's context: neighbours, place in the accent phrase, distance to the nucleus
and so on. The likeliest curve under these Gaussians is the melody (K. Tokuda et al., 2000, "Speech parameter generation
algorithms for HMM-based speech synthesis", ICASSP, section 3). Without making any sound of it this costs a fraction of
a synthesis, so that a sentence can be tried with every accent that it could have.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NODE = re.compile(r'^\s*(-?\d+)\s+(\S+)\s+("[^"]+"|-?\d+)\s+("[^"]+"|-?\d+)\s*$')
_LEAF = re.compile(r'"[^"]*_(\d+)"')
# First and second difference, as every HTS voice has them.
_DIFFERENCES = ((-0.5, 0.0, 0.5), (1.0, -2.0, 1.0))


@dataclass(frozen=True, slots=True)
class _Question:
    """Patterns of which one has to fit a label: with `*` at both ends they are pieces of it."""

    beginnings: tuple[str, ...]
    pieces: tuple[str, ...]
    others: re.Pattern[str] | None

    def fits(self, label: str) -> bool:
        return (
            any(piece in label for piece in self.pieces)
            or label.startswith(self.beginnings)
            or (self.others is not None and self.others.match(label) is not None)
        )


@dataclass(frozen=True, slots=True)
class _Node:
    """A question with the nodes (`str`) or the Gaussians (`int`) that its answers lead to."""

    question: _Question
    no: int | str
    yes: int | str


_Tree = dict[str, _Node]


@dataclass(frozen=True, slots=True, eq=False)
class Intonation:
    """A voice's models of duration and log F0.

    Attributes:
        frame: seconds of a frame.
        duration_tree: chooses the durations of a phone's states.
        durations: the frames of each state: means, then variances, (Gaussians, 2 states).
        trees: for each state, chooses its log F0.
        values: for each state the Gaussians: means and then variances of log F0 (natural logarithm of hertz) and its
            two differences, then the probability of being voiced, (Gaussians, 7).
    """

    frame: float
    duration_tree: _Tree
    durations: Floats
    trees: tuple[_Tree, ...]
    values: tuple[Floats, ...]

    def frames(self, labels: Sequence[str], speed: float = 1.0) -> NDArray[np.intp]:
        """How many frames the voice gives to each state, (labels, states).

        At another speed each state takes its share of what is to be won or lost by its variance (T. Yoshimura et al.,
        1998, "Duration modeling for HMM-based speech synthesis", ICSLP, equations 5 to 7).
        """
        chosen = self.durations[[_leaves(self, label)[0] for label in labels]]
        means, variances = np.split(chosen, 2, axis=1)
        plain = np.maximum(1, np.floor(means + 0.5))
        if speed == 1.0:
            return np.asarray(plain, np.intp)
        target = int(np.floor(means.sum() / speed + 0.5))
        share = (target - means.sum()) / variances.sum()
        found = np.maximum(1, np.floor(means + share * variances + 0.5))
        # What rounding left over goes, frame by frame, to the states that it takes least from their share.
        while (left := target - int(found.sum())) != 0:
            step = np.sign(left)
            cost = np.abs(share - (found + step - means) / variances)
            cost[found + step < 1] = np.inf
            found.ravel()[int(cost.argmin())] += step
        return np.asarray(found, np.intp)

    def melody(self, labels: Sequence[str], parts: int = 3) -> Floats:
        """The likeliest melody of some labels.

        Args:
            labels: full-context labels.
            parts: into how many parts of equal length the curve of each is divided.

        Returns:
            (labels, parts): the median of log F0 in each part, NaN where the voice has no pitch.
        """
        leaves = [_leaves(self, label) for label in labels]
        frames = self.frames(labels)
        chosen = np.array([[v[i] for v, i in zip(self.values, own, strict=True)] for _, own in leaves])
        rows = np.repeat(chosen.reshape(-1, 7), frames.ravel(), axis=0)
        curve = np.full(len(rows), np.nan)
        voiced = np.flatnonzero(rows[:, 6] > 0.5)
        # Differences across a voiceless stretch say nothing, so each voiced one stands alone.
        for run in np.split(voiced, np.flatnonzero(np.diff(voiced) > 1) + 1):
            if len(run):
                curve[run] = _likeliest(rows[run])
        lengths = frames.sum(axis=1)
        found = np.full((len(labels), parts), np.nan)
        for label, (end, length) in enumerate(zip(np.cumsum(lengths), lengths, strict=True)):
            for part, piece in enumerate(np.array_split(curve[end - length : end], parts)):
                heard = piece[~np.isnan(piece)]
                if len(heard):
                    found[label, part] = np.median(heard)
        return found


@lru_cache(maxsize=8192)
def _leaves(intonation: Intonation, label: str) -> tuple[int, tuple[int, ...]]:
    """The Gaussians of a label's durations and of each state's log F0."""
    return _leaf(intonation.duration_tree, label), tuple(_leaf(tree, label) for tree in intonation.trees)


def _leaf(tree: _Tree, label: str) -> int:
    at: int | str = "0"
    while isinstance(at, str):
        node = tree[at]
        at = node.yes if node.question.fits(label) else node.no
    return at


def _likeliest(rows: Floats) -> Floats:
    """The curve of consecutive voiced frames that makes its values and their differences likeliest.

    Args:
        rows: (frames, 7) Gaussians.
    """
    # The normal equations of Tokuda's equation 24. Differences reach one frame to each side, so the matrix has two
    # bands beside its diagonal.
    bands = np.zeros((3, len(rows)))
    bands[0] = 1 / rows[:, 3]
    wanted = rows[:, 0] / rows[:, 3]
    inner = np.arange(1, len(rows) - 1)
    for order, window in enumerate(_DIFFERENCES, 1):
        weights = 1 / rows[inner, 3 + order]
        for i, one in enumerate(window):
            wanted[inner + i - 1] += one * weights * rows[inner, order]
            for j in range(i, 3):
                bands[j - i, inner + i - 1] += one * window[j] * weights
    diagonal, first, second = bands
    return np.array(_solve(diagonal.tolist(), first.tolist(), second.tolist(), wanted.tolist()), np.float64)


def _solve(diagonal: list[float], first: list[float], second: list[float], wanted: list[float]) -> list[float]:
    """Solves a symmetric positive definite system with two bands, by its LDL' decomposition.

    NumPy's solver knows no bands, and its threads take a hundred times longer on such small systems while the cores are
    busy.
    """
    count = len(diagonal)
    # In place: pivots, and the factors of the two rows above.
    for i in range(count):
        if i + 1 < count:
            factor = first[i] / diagonal[i]
            diagonal[i + 1] -= factor * first[i]
            if i + 2 < count:
                first[i + 1] -= factor * second[i]
            wanted[i + 1] -= factor * wanted[i]
        if i + 2 < count:
            factor = second[i] / diagonal[i]
            diagonal[i + 2] -= factor * second[i]
            wanted[i + 2] -= factor * wanted[i]
    for i in range(count - 1, -1, -1):
        value = wanted[i]
        if i + 1 < count:
            value -= first[i] * wanted[i + 1]
        if i + 2 < count:
            value -= second[i] * wanted[i + 2]
        wanted[i] = value / diagonal[i]
    return wanted


@cache
def load_intonation(voice: Path) -> Intonation:
    """Reads the models of duration and log F0 from an `.htsvoice` file.

    Raises:
        ValueError: it is no such file, or its models are not as expected.
    """
    content = voice.read_bytes()
    head, _, data = content.partition(b"[DATA]\n")
    text = head.decode("ascii", "replace")
    places = {
        name: data[int(start) : int(end) + 1]
        for name, start, end in re.findall(r"^([A-Z_]+(?:\[LF0\])?):(\d+)-(\d+)$", text, re.MULTILINE)
    }
    facts = dict(re.findall(r"^(SAMPLING_FREQUENCY|FRAME_PERIOD|NUM_STATES):(\d+)$", text, re.MULTILINE))
    try:
        states = int(facts["NUM_STATES"])
        frame = int(facts["FRAME_PERIOD"]) / int(facts["SAMPLING_FREQUENCY"])
        (duration_tree,) = _trees(places["DURATION_TREE"].decode("ascii"))
        (durations,) = _gaussians(places["DURATION_PDF"], 1, 2 * states)
        trees = _trees(places["STREAM_TREE[LF0]"].decode("ascii"))
        values = _gaussians(places["STREAM_PDF[LF0]"], states, 7)
    except (KeyError, ValueError, struct.error) as error:
        raise ValueError(f"{voice.name} is no HTS voice with durations and log F0: {error}") from error
    if len(trees) != states:
        raise ValueError(f"{voice.name} has {len(trees)} trees of log F0 for {states} states.")
    return Intonation(frame, duration_tree, durations, trees, values)


def _trees(text: str) -> tuple[_Tree, ...]:
    questions: dict[str, _Question] = {}
    trees: list[_Tree] = []
    for line in text.splitlines():
        if line.startswith("QS "):
            _, name, patterns = line.split(maxsplit=2)
            questions[name] = _question(re.findall(r'"([^"]*)"', patterns))
        elif line.startswith("{*}"):
            trees.append({})
        elif node := _NODE.match(line):
            name, question, no, yes = node.groups()
            trees[-1][name] = _Node(questions[question], _child(no), _child(yes))
    return tuple(trees)


def _child(name: str) -> int | str:
    leaf = _LEAF.fullmatch(name)
    # Gaussians are numbered from 1.
    return int(leaf.group(1)) - 1 if leaf else name


def _question(patterns: Sequence[str]) -> _Question:
    beginnings, pieces, others = [], [], []
    for pattern in patterns:
        plain = pattern.strip("*")
        if "*" in plain or "?" in plain or not pattern.endswith("*"):
            others.append("".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern) + "$")
        elif pattern.startswith("*"):
            pieces.append(plain)
        else:
            beginnings.append(plain)
    return _Question(tuple(beginnings), tuple(pieces), re.compile("|".join(others)) if others else None)


def _gaussians(data: bytes, states: int, width: int) -> tuple[Floats, ...]:
    """For each state its Gaussians, so many numbers each."""
    counts = struct.unpack(f"<{states}I", data[: 4 * states])
    values = np.frombuffer(data[4 * states :], "<f4").astype(np.float64)
    if len(values) != width * sum(counts):
        raise ValueError(f"{len(values)} numbers for {sum(counts)} Gaussians of {width}")
    return tuple(np.split(values.reshape(-1, width), np.cumsum(counts)[:-1]))
