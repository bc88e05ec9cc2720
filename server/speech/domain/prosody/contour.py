"""Pitch by the mora."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.alignment import Alignment
from server.speech.domain.phones import GEMINATE_ID
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.prosody.pitch import FRAMES_A_SECOND, PitchTrack
from server.speech.domain.transitions import FRAME

Floats = NDArray[np.float64]


def mora_pitch(track: PitchTrack, starts: Floats, ends: Floats) -> Floats:
    """The pitch of each mora at its beginning, in its middle and at its end.

    Args:
        track: the pitch of the utterance.
        starts, ends: seconds, one each for every mora.

    Returns:
        (morae, 3): the medians of the thirds, semitones above the speaker's median; NaN where a third has no pitch.
    """
    semitones = track.semitones
    # A frame stands for the moment in its middle.
    edges = starts[:, None] + (ends - starts)[:, None] * np.linspace(0, 1, 4)
    frames = np.clip(np.round(edges * FRAMES_A_SECOND).astype(int), 0, len(semitones))
    found = np.full((len(starts), 3), np.nan)
    for mora, third in np.ndindex(found.shape):
        part = semitones[frames[mora, third] : max(frames[mora, third + 1], frames[mora, third] + 1)]
        voiced = part[~np.isnan(part)]
        if len(voiced):
            found[mora, third] = np.median(voiced)
    return found


def rhyme_pitch(track: PitchTrack, pronunciation: Pronunciation, alignment: Alignment) -> Floats:
    """The pitch of the vowels and nasals of an utterance: what carries its accent, without what consonants do to it.

    Returns:
        (morae, 3) as `mora_pitch`; NaN for geminates.
    """
    last = np.array([end - 1 for _, end in pronunciation.spans])
    found = mora_pitch(track, alignment.onsets[last] * FRAME, alignment.ends[last] * FRAME)
    found[pronunciation.ids[last] == GEMINATE_ID] = np.nan
    return found
