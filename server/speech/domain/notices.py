"""What is worth telling a learner about a recording, whatever was said in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.endpointing import Segment
from server.speech.domain.events import Notice, NoticeKind
from server.speech.domain.signal import measure

_CLIPPED_SHARE = 0.005
_LEAST_SNR_DB = 10.0
_LEAST_LEVEL_DBFS = -45.0


def recording_notices(samples: NDArray[np.float32], voice: Sequence[Segment], sample_rate: int) -> tuple[Notice, ...]:
    """Whether a recording is clipped, noisy or too quiet; of one without a voice there is nothing to say.

    Args:
        samples: mono, -1 to 1.
        voice: stretches of voice, seconds.
        sample_rate: samples a second.
    """
    if not voice:
        return ()
    quality = measure(samples, voice, sample_rate)
    found: list[Notice] = []
    if quality.clipped_share >= _CLIPPED_SHARE:
        found.append(Notice(NoticeKind.CLIPPING, (("clipped_share", round(quality.clipped_share, 4)),)))
    if quality.snr_db is not None and quality.snr_db < _LEAST_SNR_DB:
        found.append(Notice(NoticeKind.NOISY, (("snr_db", round(quality.snr_db, 1)),)))
    level = _level_dbfs(samples, voice, sample_rate)
    if level < _LEAST_LEVEL_DBFS:
        found.append(Notice(NoticeKind.AUDIO_TOO_QUIET, (("level_dbfs", round(level, 1)),)))
    return tuple(found)


def _level_dbfs(samples: NDArray[np.float32], voice: Sequence[Segment], sample_rate: int) -> float:
    """Mean power of the voice over that of full scale, in decibels."""
    spoken = np.concatenate([samples[int(s.start * sample_rate) : int(s.end * sample_rate)] for s in voice])
    return 10 * float(np.log10(np.mean(spoken.astype(np.float64) ** 2) + 1e-12))
