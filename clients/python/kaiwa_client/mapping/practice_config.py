"""The config of a practice for protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kaiwa.speech.v1 import audio_pb2, practice_pb2, practice_purpose_pb2


def practice_config(
    *,
    practice_id: str,
    sample_rate_hertz: int,
    sentence_id: str,
    text: str,
    accepted_answers: Sequence[str],
    speaking_session_id: str,
    card_id: str,
    keep_audio: bool,
    finish_on_silence: bool,
    partial_interval_ms: int | None,
) -> practice_pb2.PracticeConfig:
    """The config; the arguments are those of KaiwaClient.practice.

    Raises:
        ValueError: more than one target.
    """
    if sum(1 for target in (sentence_id, text, accepted_answers) if target) > 1:
        raise ValueError("a practice has one target: sentence_id, text or accepted_answers")
    config = practice_pb2.PracticeConfig(
        practice_id=practice_id,
        speaking_session_id=speaking_session_id,
        audio_format=audio_pb2.AudioFormat(
            encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=sample_rate_hertz
        ),
        card_id=card_id,
        keep_audio=keep_audio,
        # Nothing of these is handed out by the library.
        return_options=practice_pb2.ReturnOptions(pitch_contour=False, phones=False),
    )
    if sentence_id:
        config.sentence_id = sentence_id
    elif text:
        config.reference_text = text
    elif accepted_answers:
        config.accepted_answers.texts.extend(accepted_answers)
    if card_id:
        config.purpose = practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW
    if finish_on_silence:
        config.endpointing.finish_on_silence = True
    if partial_interval_ms is not None:
        config.partial_interval.FromTimedelta(timedelta(milliseconds=partial_interval_ms))
    return config
