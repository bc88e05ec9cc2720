"""The tables, one module a service. Importing this package fills `Base.metadata` with all of them."""

from server.adapters.postgres.tables.accounts import (
    AuditLogRow,
    ExportRow,
    OneTimeTokenRow,
    OutgoingMailRow,
    RefreshTokenRow,
    SessionRow,
    UserRow,
)
from server.adapters.postgres.tables.base import Base
from server.adapters.postgres.tables.content import PronunciationRow, SentenceRow
from server.adapters.postgres.tables.imports import ImportFileRow, ImportPartRow, ImportRow
from server.adapters.postgres.tables.jobs import JobRow
from server.adapters.postgres.tables.learning import (
    CardMarkRow,
    CardRow,
    ChangeCounterRow,
    DailyStatsRow,
    LearningSettingsRow,
    ReviewRow,
    SettingsChangeRow,
)
from server.adapters.postgres.tables.speech import AttemptRow, AudioFileRow, SpeakingSessionRow
from server.adapters.postgres.tables.system import IdempotencyKeyRow, SystemConfigRow

__all__ = [
    "AttemptRow",
    "AudioFileRow",
    "AuditLogRow",
    "Base",
    "CardMarkRow",
    "CardRow",
    "ChangeCounterRow",
    "DailyStatsRow",
    "ExportRow",
    "IdempotencyKeyRow",
    "ImportFileRow",
    "ImportPartRow",
    "ImportRow",
    "JobRow",
    "LearningSettingsRow",
    "OneTimeTokenRow",
    "OutgoingMailRow",
    "PronunciationRow",
    "RefreshTokenRow",
    "ReviewRow",
    "SentenceRow",
    "SessionRow",
    "SettingsChangeRow",
    "SpeakingSessionRow",
    "SystemConfigRow",
    "UserRow",
]
