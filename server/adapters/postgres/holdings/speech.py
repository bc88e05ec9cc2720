"""What speech holds: attempts, speaking sessions and recordings."""

from sqlalchemy import ColumnElement, func

from server.adapters.postgres.holdings.held import Held, PostgresHoldings, of
from server.adapters.postgres.tables import AttemptRow, AudioFileRow, SpeakingSessionRow
from server.kernel.identity import UserId
from server.kernel.ownership import Folder

RECORDINGS = Folder("attempts/{user_id}/", "speech/recordings/", "Your recordings, as they are stored (FLAC).")


def _file(user_id: UserId) -> ColumnElement[str]:
    return func.replace(AudioFileRow.object_key, RECORDINGS.of(user_id), RECORDINGS.path)


SPEECH = PostgresHoldings(
    [
        Held(
            SpeakingSessionRow,
            "speech/speaking_sessions",
            "Your sittings of speaking practice.",
            of(SpeakingSessionRow.user_id),
        ),
        Held(
            AttemptRow,
            "speech/attempts",
            "What you said, what was heard, and how it was scored.",
            of(AttemptRow.user_id),
        ),
        Held(
            AudioFileRow,
            "speech/audio_files",
            "Your recordings: file says where each is in the archive.",
            of(AudioFileRow.user_id),
            withheld={"object_key": "where the file lies on the server"},
            added={"file": _file},
        ),
    ],
    [RECORDINGS],
)
"""What speech holds."""
