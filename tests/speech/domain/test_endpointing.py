"""Speech begins and ends by the voice detector's probabilities, with hysteresis."""

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.endpointing import Segment, VoiceEvent, VoiceParameters, VoiceTracker

FRAME = 0.032


def tracker(silence: float = 0.55) -> VoiceTracker:
    return VoiceTracker(FRAME, VoiceParameters(), silence)


def feed(voice: VoiceTracker, probability: float, seconds: float) -> list[VoiceEvent]:
    return [e for _ in range(round(seconds / FRAME)) if (e := voice.add(probability)) is not None]


def test_speech_starts_where_its_first_frame_began() -> None:
    voice = tracker()
    assert feed(voice, 0.0, 0.32) == []
    assert feed(voice, 0.9, 0.32) == [VoiceEvent.STARTED]
    assert voice.speech_start is not None
    assert abs(voice.speech_start - 0.32) < 1e-6


def test_a_click_is_no_speech() -> None:
    voice = tracker()
    feed(voice, 0.9, FRAME)
    feed(voice, 0.0, 1.0)
    assert voice.segments == ()
    assert not voice.speaking


def test_a_dip_within_the_hysteresis_is_no_pause() -> None:
    voice = tracker()
    feed(voice, 0.9, 0.32)
    feed(voice, 0.4, 0.32)
    assert len(voice.segments) == 1
    assert abs((voice.speech_end or 0) - 0.64) < 1e-6


def test_speech_stops_after_the_silence_and_not_before() -> None:
    voice = tracker(0.55)
    feed(voice, 0.9, 0.64)
    assert feed(voice, 0.0, 0.512) == []
    assert voice.speaking
    assert feed(voice, 0.0, 0.064) == [VoiceEvent.STOPPED]
    assert not voice.speaking


def test_pauses_cut_segments_but_not_speech() -> None:
    voice = tracker(0.55)
    feed(voice, 0.9, 0.32)
    feed(voice, 0.0, 0.32)
    feed(voice, 0.9, 0.32)
    assert len(voice.segments) == 2
    assert voice.speaking


@given(st.lists(st.floats(0, 1), max_size=200))
def test_segments_are_in_order_and_within_the_audio(probabilities: list[float]) -> None:
    voice = tracker(0.2)
    speaking = False
    for probability in probabilities:
        event = voice.add(probability)
        if event is VoiceEvent.STARTED:
            assert not speaking
            speaking = True
        elif event is VoiceEvent.STOPPED:
            assert speaking
            speaking = False
        assert voice.speaking == speaking
    end = 0.0
    for segment in voice.segments:
        assert isinstance(segment, Segment)
        assert end <= segment.start < segment.end <= voice.position + 1e-9
        end = segment.end
