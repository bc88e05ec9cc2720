"""What people see: lines where nothing can be redrawn, a live picture on a terminal, colours only where wanted."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from kaiwa.speech.v1 import practice_pb2
from kaiwa_client.cli.layout import hang
from kaiwa_client.cli.result import show_result
from kaiwa_client.models import Assessment, Scores, Transcript, Word
from tests.clients.python.conftest import CommandLine, Recorder
from tests.support.fake_kaiwa import FakeKaiwa
from tests.support.fake_practice import TEXT

RESULT = """\
Heard         今日は雨だ  (confidence 0.93)
              キョーワアメダ

Overall        82  ████████████████████░░░░░
Accuracy       80  ████████████████████░░░░░
Fluency        90  ██████████████████████░░░
Completeness  100  █████████████████████████

Words         今日 40  は 91  雨 70  だ 97

Morae         キョ ー ワ ア メ ダ
              96   40 91 88 70 97

To work on
  • 今日: hold the long vowel; yours was 0.6 times as long as it should be.

Saved as attempt 00000000-0000-0000-0000-00000000bb81.
"""
LINES = """\
Read: 今日は雨だ  (キョーワアメダ)
Listening ...
... [きょう]  2/6 morae
... 今日は[あめ]  5/6 morae
... 今日は雨[だ]  6/6 morae

"""
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
CONTROL = re.compile(r"\x1b\[")


async def test_prints_lines_where_there_is_no_terminal(learner: CommandLine, recorded: Recorder) -> None:
    assert await learner("practice", "--text", TEXT, str(recorded())) == 0
    assert learner.out == LINES + RESULT


async def test_prints_the_same_lines_on_a_dumb_terminal(learner: CommandLine, recorded: Recorder) -> None:
    learner.terminal, learner.environment["TERM"] = True, "dumb"
    assert await learner("practice", "--text", TEXT, str(recorded())) == 0
    assert learner.out == LINES + RESULT


async def test_draws_on_a_terminal_and_leaves_the_result(learner: CommandLine, recorded: Recorder) -> None:
    learner.terminal = True
    assert await learner("practice", "--text", TEXT, str(recorded())) == 0
    assert COLOUR.search(learner.out)
    for words in ("Connecting ...", "Listening ...", "Hearing you ...", "Judging ..."):
        assert words in learner.out
    bold, dim = "\x1b[1m今日は\x1b[0m", "\x1b[2mあめ\x1b[0m"
    assert bold + dim in learner.out
    assert "\x1b[1;36mキョ\x1b[0m" in learner.out
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", learner.out)
    assert plain.endswith(RESULT)


async def test_no_color_is_respected(learner: CommandLine, recorded: Recorder) -> None:
    learner.terminal, learner.environment["NO_COLOR"] = True, "1"
    assert await learner("practice", "--text", TEXT, str(recorded())) == 0
    assert not COLOUR.search(learner.out)
    assert CONTROL.search(learner.out)


@pytest.mark.parametrize("width", [24, 40, 80])
async def test_morae_wrap_in_columns_of_their_width(learner: CommandLine, recorded: Recorder, width: int) -> None:
    learner.width = width
    await learner("practice", "--text", TEXT, str(recorded()))
    block = learner.out.partition("Morae")[2].partition("To work on")[0].rstrip().splitlines()
    assert all(cell_len(line) <= max(width, 34) for line in block)
    assert "".join(re.findall("[ァ-ヴー]", "".join(block))) == "キョーワアメダ"


HEARD = "検査の前は何も食べないでください。お水も飲まないでください。"
NARROW = """\
Heard         検査の前は何も食べないでく
              ださい。お水も飲まないでく
              ださい。
              (confidence 0.93)

Overall       –

Words         検査 90  の –  食べない 90
              ください 90  お水 90  も –
"""


def assessed(scores: Scores | None = None, words: tuple[Word, ...] = ()) -> Assessment:
    """An assessment with nothing to say about."""
    return Assessment(True, None, scores or Scores(), None, None, words, (), (), (), None, (), "")


def test_heard_and_words_hang_on_a_narrow_terminal() -> None:
    heard = Transcript(HEARD, "", 0.93, "ja", ())
    words = [("検査", 90.0), ("の", None), ("食べない", 90.0), ("ください", 90.0), ("お水", 90.0), ("も", None)]
    judged = assessed(words=tuple(Word(text, "", score, None, None, None, 0, 0) for text, score in words))
    narrow, file = io.StringIO(), io.StringIO()
    show_result(Console(file=narrow, width=40, force_terminal=True, color_system=None, _environ={}), heard, judged)
    show_result(Console(file=file, width=40, _environ={}), heard, judged)
    assert narrow.getvalue() == NARROW
    assert f"Heard         {HEARD}  (confidence 0.93)\n" in file.getvalue()


def test_english_breaks_between_words_and_ends_without_a_space() -> None:
    file = io.StringIO()
    hang(
        Console(file=file, width=20, force_terminal=True, color_system=None, _environ={}),
        "  • ",
        "Well done, all of it.",
    )
    assert file.getvalue() == "  • Well done, all\n    of it.\n"


def test_an_assessment_without_findings_ends_with_its_scores() -> None:
    file = io.StringIO()
    judged = assessed(Scores(overall=90.0))
    show_result(Console(file=file, width=80, _environ={}), Transcript(TEXT, "", None, "ja", ()), judged)
    assert file.getvalue() == f"Heard         {TEXT}\n\nOverall        90  ██████████████████████░░░\n"


async def test_says_why_nothing_was_judged(learner: CommandLine, recorded: Recorder) -> None:
    await learner("practice", str(recorded(silent=True)))
    assert "Heard         nothing\nNot judged    nobody was heard speaking.\n" in learner.out


async def test_notices_are_phrased(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    fake.speech.notices = [practice_pb2.Notice(kind=practice_pb2.NOTICE_KIND_NOISY)]
    fake.speech.breaks = [9600]
    await learner("practice", "--text", TEXT, str(recorded()))
    assert "Note: There is much noise.\n" in learner.out
    assert "Note: The connection broke and goes on.\n" in learner.out
    learner.terminal = True
    await learner("practice", "--text", TEXT, str(recorded()))
    assert "There is much noise." in learner.out
