"""Who may call each method, how long it may take, and how often. A method that is not listed is closed to everyone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from server.kernel.identity import Role
from server.kernel.rates import Rate


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """The terms of one method.

    Attributes:
        role: the least role that may call it; None: anyone, without a token.
        deadline: how long a call may take at most, whatever the client allows.
        rate: which rate limit counts it.
        while_leaving: whether somebody may call it whose account is being deleted.
    """

    role: Role | None
    deadline: timedelta
    rate: Rate = Rate.NORMAL
    while_leaving: bool = False


_QUICK = timedelta(seconds=10)
_USUAL = timedelta(seconds=30)
_LONG = timedelta(minutes=2)
_STREAM = timedelta(minutes=30)
_WATCH = timedelta(hours=2)


def _methods(
    service: str,
    names: str,
    role: Role | None,
    deadline: timedelta,
    rate: Rate = Rate.NORMAL,
    *,
    while_leaving: bool = False,
) -> Iterable[tuple[str, MethodPolicy]]:
    policy = MethodPolicy(role, deadline, rate, while_leaving)
    return ((f"/{service}/{name}", policy) for name in names.split())


_ACCOUNTS = "kaiwa.accounts.v1.AccountsService"
_CONTENT = "kaiwa.content.v1.ContentService"
_LEARNING = "kaiwa.learning.v1.LearningService"
_SPEECH = "kaiwa.speech.v1.SpeechService"
_JOBS = "kaiwa.jobs.v1.JobsService"
_ANYONE = None
_STUDENT, _ADMIN = Role.STUDENT, Role.ADMIN

POLICIES: Mapping[str, MethodPolicy] = MappingProxyType(
    dict(
        [
            *_methods(
                _ACCOUNTS,
                "Register Login VerifyEmail RequestPasswordReset ResetPassword",
                _ANYONE,
                _QUICK,
                Rate.SIGN_IN,
            ),
            *_methods(_ACCOUNTS, "RefreshTokens GetPublicConfig", _ANYONE, _QUICK),
            *_methods(
                _ACCOUNTS,
                "Logout ListSessions RevokeSession GetMe UpdateMe ExportMyData",
                _STUDENT,
                _QUICK,
            ),
            *_methods(_ACCOUNTS, "ChangePassword RequestEmailVerification", _STUDENT, _QUICK, Rate.SIGN_IN),
            *_methods(_ACCOUNTS, "DeleteMe", _STUDENT, _QUICK, Rate.SIGN_IN, while_leaving=True),
            *_methods(_ACCOUNTS, "DownloadMyData", _STUDENT, _STREAM),
            *_methods(_ACCOUNTS, "ListUsers UpdateUser ListConfig SetConfig", _ADMIN, _QUICK),
            *_methods(
                _CONTENT,
                "ListSentences GetSentence BatchGetSentences CreateSentence UpdateSentence DeleteSentence"
                " UndeleteSentence SuggestSentences ListPronunciations SetPronunciation"
                " DeletePronunciation CreateImport StartImport GetImport ListImports PrepareAudio",
                _STUDENT,
                _QUICK,
            ),
            *_methods(_CONTENT, "AnalyzeText PreviewImport", _STUDENT, _USUAL, Rate.COSTLY),
            *_methods(_CONTENT, "GetSentenceAudio", _STUDENT, _LONG, Rate.COSTLY),
            *_methods(_CONTENT, "PushImportChunk", _STUDENT, _USUAL, Rate.AUDIO),
            *_methods(_CONTENT, "UploadImport", _STUDENT, _STREAM),
            *_methods(_CONTENT, "UploadSentenceAudio", _STUDENT, _LONG),
            *_methods(
                _LEARNING,
                "GetReviewQueue SubmitReview UndoReview ListCards GetCard AddCards SuspendCards UnsuspendCards"
                " BuryCards UnburyCards ResetCards GetSettings GetProgress GetStats GetDailyStats"
                " GetTrends GetForecast OptimizeScheduler SimulateWorkload",
                _STUDENT,
                _QUICK,
            ),
            *_methods(_LEARNING, "SubmitReviews SyncChanges", _STUDENT, _USUAL),
            # Another scheduler replays all cards of the learner.
            *_methods(_LEARNING, "UpdateSettings", _STUDENT, _LONG),
            *_methods(_SPEECH, "Practice OpenPractice", _STUDENT, _STREAM),
            *_methods(_SPEECH, "PushPracticeAudio FinishPractice", _STUDENT, _QUICK, Rate.AUDIO),
            *_methods(_SPEECH, "AssessRecording Transcribe Synthesize", _STUDENT, _LONG, Rate.COSTLY),
            *_methods(_SPEECH, "CheckMicrophone", _STUDENT, _USUAL, Rate.COSTLY),
            *_methods(
                _SPEECH,
                "ListVoices StartSpeakingSession EndSpeakingSession ListSpeakingSessions ListAttempts GetAttempt"
                " DeleteAttempt RescoreAttempts GetSoundProfile ListDrills",
                _STUDENT,
                _QUICK,
            ),
            *_methods(_SPEECH, "GetAttemptAudio GetContrastAudio", _STUDENT, _LONG),
            *_methods(_JOBS, "CancelJob ListJobs", _STUDENT, _QUICK),
            *_methods(_JOBS, "GetJob", _STUDENT, _QUICK, while_leaving=True),
            *_methods(_JOBS, "WatchJob", _STUDENT, _WATCH, while_leaving=True),
            *_methods("grpc.health.v1.Health", "Check List", _ANYONE, _QUICK, Rate.FREE),
            *_methods("grpc.health.v1.Health", "Watch", _ANYONE, timedelta(days=1), Rate.FREE),
            *_methods(
                "grpc.reflection.v1.ServerReflection",
                "ServerReflectionInfo",
                _ANYONE,
                _STREAM,
                Rate.FREE,
            ),
            *_methods(
                "grpc.reflection.v1alpha.ServerReflection",
                "ServerReflectionInfo",
                _ANYONE,
                _STREAM,
                Rate.FREE,
            ),
        ]
    )
)
"""The terms of every method that the server answers."""
