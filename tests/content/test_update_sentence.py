"""UpdateSentence changes what is named, for those who may, in the state they saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from server.content.domain.change import Change
from server.content.domain.furigana import Word
from server.content.domain.sentence import AudioFormat, AudioId, Recording, Sentence, SentenceId
from server.content.update_sentence import UpdateSentence
from server.errors import Aborted, InvalidInput, NotFound, PermissionDenied, Reason
from server.kernel.identity import Caller
from tests.support.content import ADMIN, KEN, MIKA, STUDENT, TEACHER, Content, FakeAnalyser, make_sentence
from tests.support.kernel import NOON

ENGLISH = Change(frozenset({"english"}), english="Yes.")
JAPANESE = Change(frozenset({"japanese"}), japanese="はい。")
RECORDINGS = tuple(
    Recording(AudioId(name), AudioFormat.FLAC, 48_000, timedelta(seconds=2), 9, "Ken", "CC0 1.0", "", NOON)
    for name in ("a", "b", "c")
)


def order(*names: str) -> Change:
    return Change(frozenset({"recordings"}), recording_ids=tuple(AudioId(name) for name in names), path="sentence.")


@pytest.mark.parametrize(
    ("stored", "who"),
    [
        (make_sentence(owner_id=MIKA), STUDENT),
        (make_sentence(), TEACHER),
        (make_sentence(), ADMIN),
    ],
)
async def test_owners_and_teachers_change(content: Content, stored: Sentence, who: Caller) -> None:
    content.store(stored)
    content.clock.advance(timedelta(hours=1))

    changed = await content.update_sentence(who, stored.id, ENGLISH)

    assert changed == replace(stored, english="Yes.", updated_at=NOON + timedelta(hours=1), revision=2)
    assert content.state.sentences[stored.id] == changed
    assert changed.etag != stored.etag
    assert not content.analyser.asked


async def test_a_student_can_not_change_what_is_shared(content: Content) -> None:
    content.store(make_sentence())

    with pytest.raises(PermissionDenied) as refused:
        await content.update_sentence(STUDENT, make_sentence().id, ENGLISH)

    assert refused.value.reason is Reason.SHARED_CONTENT_NEEDS_TEACHER


@pytest.mark.parametrize("who", [STUDENT, TEACHER, ADMIN])
@pytest.mark.parametrize(
    "stored", [make_sentence(2), make_sentence(owner_id=KEN), replace(make_sentence(), deleted_at=NOON)]
)
async def test_what_they_do_not_see_is_not_there(content: Content, stored: Sentence, who: Caller) -> None:
    content.store(stored)

    with pytest.raises(NotFound) as refused:
        await content.update_sentence(who, make_sentence().id, ENGLISH)

    assert refused.value.reason is Reason.SENTENCE_NOT_FOUND


async def test_the_current_etag_lets_the_change_through_and_an_old_one_does_not(content: Content) -> None:
    stored = make_sentence()
    content.store(stored)

    changed = await content.update_sentence(TEACHER, stored.id, ENGLISH, stored.etag)
    with pytest.raises(Aborted) as refused:
        await content.update_sentence(TEACHER, stored.id, JAPANESE, stored.etag)

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert refused.value.metadata == {"sentence_id": stored.id}
    assert content.state.sentences[stored.id] == changed


async def test_a_change_that_changes_nothing_leaves_the_state_as_it_is(content: Content) -> None:
    stored = make_sentence()
    content.store(stored)

    same = await content.update_sentence(
        TEACHER, stored.id, Change(frozenset({"english"}), english=stored.english), stored.etag
    )

    assert same == stored


class SlowAnalyser(FakeAnalyser):
    """While it analyses, somebody else changes the sentence, a number of times."""

    def __init__(self, content: Content, times: int) -> None:
        super().__init__()
        self._content, self._times = content, times

    async def words(self, text: str) -> Sequence[Word]:
        if len(self.asked) < self._times:
            tag = Change(frozenset({"tags"}), tags=(str(len(self.asked)),))
            await self._content.update_sentence(ADMIN, make_sentence().id, tag)
        return await super().words(text)


async def test_without_an_etag_a_race_is_run_again(content: Content) -> None:
    content.store(make_sentence())
    update = UpdateSentence(content.database, SlowAnalyser(content, 2), content.clock)

    changed = await update(TEACHER, make_sentence().id, JAPANESE)

    assert (changed.japanese, changed.tags, changed.revision) == ("はい。", ("1",), 4)


@pytest.mark.parametrize(("etag", "times"), [("r1", 1), ("", 99)])
async def test_a_lost_race_changes_nothing(content: Content, etag: str, times: int) -> None:
    content.store(make_sentence())
    update = UpdateSentence(content.database, SlowAnalyser(content, times), content.clock)

    with pytest.raises(Aborted) as refused:
        await update(TEACHER, make_sentence().id, JAPANESE, etag)

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert content.state.sentences[make_sentence().id].japanese == make_sentence().japanese


async def test_recordings_are_put_in_order_and_taken_away(content: Content) -> None:
    stored = replace(make_sentence(), recordings=RECORDINGS)
    content.store(stored)

    changed = await content.update_sentence(TEACHER, stored.id, order("c", "a"))

    assert changed.recordings == (RECORDINGS[2], RECORDINGS[0])
    assert content.state.sentences[stored.id] == changed


async def test_a_recording_of_another_sentence_is_not_found(content: Content) -> None:
    stored = replace(make_sentence(), recordings=RECORDINGS)
    content.store(stored)

    with pytest.raises(NotFound) as refused:
        await content.update_sentence(TEACHER, stored.id, order("a", "z"))

    assert refused.value.reason is Reason.RECORDING_NOT_FOUND
    assert refused.value.metadata == {"sentence_id": stored.id, "audio_id": "z"}


async def test_a_recording_can_not_stand_twice(content: Content) -> None:
    content.store(replace(make_sentence(), recordings=RECORDINGS))

    with pytest.raises(InvalidInput) as refused:
        await content.update_sentence(TEACHER, SentenceId(make_sentence().id), order("a", "a"))

    assert refused.value.metadata == {"field": "sentence.recordings[1]"}
