"""Learning: cards, the log of reviews they are replayed from, settings, daily figures, and the order of changes."""

from datetime import date

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import (
    Base,
    Count,
    Id,
    Instant,
    Json,
    PrimaryId,
    Small,
    in_range,
    not_negative,
    one_of,
)

SKILLS = ("reading", "listening", "speaking")
STATES = ("new", "learning", "review", "relearning")
KINDS = ("learning", "review", "relearning", "filtered", "manual", "rescheduled")
SCHEDULERS = ("fsrs", "sm2")


class CardRow(Base):
    """One skill of one sentence in one learner's memory, as the replay of its reviews left it.

    The seed's state `mature` is `review` with an interval of 21 days or more, and its `suspended` is a flag, so that
    a card comes back from suspension as what it was. Times seen is `reps`; the accuracy is `times_correct` over
    correct + incorrect, the average response time `total_response_ms` over `timed_answers`: sums stay exact, averages
    don't. An imported Anki card is known by its note's GUID and its template's number, as a note can have several
    cards.

    `due_at` is the end of a step and null for a card in review, whose `due_day` is a day of the learner's wherever
    they are: its time follows from their zone when it is read. `base_due_day` is that day without vacations,
    `memory_day` and `last_answer_day` are the learner's days of the last answer that counted for the schedule and of
    the last one at all, `last_event_at` is the time of the latest event in the card's log: an event after those of
    all its siblings continues the replay, any other one repeats it.
    """

    __tablename__ = "cards"

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    sentence_id: Mapped[Id] = mapped_column(ForeignKey("sentences.id"))
    skill: Mapped[str]
    import_note_guid: Mapped[str | None]
    import_template: Mapped[Small | None]
    new_position: Mapped[int] = mapped_column(BigInteger)
    scheduler: Mapped[str] = mapped_column(server_default="fsrs")
    state: Mapped[str] = mapped_column(server_default="new")
    step: Mapped[Small | None]
    due_at: Mapped[Instant | None]
    due_day: Mapped[date | None]
    base_due_day: Mapped[date | None]
    interval_seconds: Mapped[int | None] = mapped_column(BigInteger)
    memory_day: Mapped[date | None]
    last_review_at: Mapped[Instant | None]
    last_answer_day: Mapped[date | None]
    last_event_at: Mapped[Instant | None]
    stability: Mapped[float | None]
    difficulty: Mapped[float | None]
    ease_factor: Mapped[float | None]
    reps: Mapped[Count]
    lapses: Mapped[Count]
    times_correct: Mapped[Count]
    times_incorrect: Mapped[Count]
    current_streak: Mapped[Count]
    best_streak: Mapped[Count]
    timed_answers: Mapped[Count]
    total_response_ms: Mapped[int] = mapped_column(BigInteger, server_default="0")
    leech: Mapped[bool] = mapped_column(server_default=text("false"))
    suspended: Mapped[bool] = mapped_column(server_default=text("false"))
    buried_until_day: Mapped[date | None]
    sequence: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    deleted_at: Mapped[Instant | None]

    __table_args__ = (
        one_of("skill", SKILLS),
        one_of("scheduler", SCHEDULERS),
        one_of("state", STATES),
        CheckConstraint("stability > 0", name="stability_range"),
        in_range("difficulty", 1, 10),
        CheckConstraint("ease_factor >= 1.3", name="ease_factor_range"),
        CheckConstraint("(import_note_guid IS NULL) = (import_template IS NULL)", name="import_key_whole"),
        *not_negative(
            "step",
            "interval_seconds",
            "reps",
            "lapses",
            "times_correct",
            "times_incorrect",
            "current_streak",
            "best_streak",
            "timed_answers",
            "total_response_ms",
        ),
        # The target of the reviews' key, so that no review can name another user's card.
        UniqueConstraint("user_id", "id"),
        Index(
            "uq_cards_skill",
            "user_id",
            "sentence_id",
            "skill",
            unique=True,
            postgresql_where=text("import_note_guid IS NULL AND deleted_at IS NULL"),
        ),
        Index(
            "uq_cards_import_key",
            "user_id",
            "import_note_guid",
            "import_template",
            unique=True,
            postgresql_where=text("import_note_guid IS NOT NULL"),
        ),
        CheckConstraint("(state IN ('learning', 'relearning')) = (due_at IS NOT NULL)", name="steps_have_due_at"),
        CheckConstraint("(state = 'review') = (due_day IS NOT NULL)", name="review_has_due_day"),
        CheckConstraint("(due_day IS NULL) = (base_due_day IS NULL)", name="due_day_has_base"),
        CheckConstraint("(state = 'new') = (memory_day IS NULL)", name="answered_has_memory_day"),
        CheckConstraint("(last_review_at IS NULL) = (last_answer_day IS NULL)", name="answer_has_day"),
        Index(
            None,
            "user_id",
            "due_at",
            postgresql_where=text("state IN ('learning', 'relearning') AND NOT suspended AND deleted_at IS NULL"),
        ),
        Index(
            None,
            "user_id",
            "due_day",
            postgresql_where=text("state = 'review' AND NOT suspended AND deleted_at IS NULL"),
        ),
        Index(None, "user_id", "sentence_id", postgresql_where=text("deleted_at IS NULL")),
        Index(None, "user_id", "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(
            None,
            "user_id",
            "new_position",
            "id",
            postgresql_where=text("state = 'new' AND NOT suspended AND deleted_at IS NULL"),
        ),
        Index(None, "user_id", "sequence"),
        Index(None, "sentence_id"),
    )


class ReviewRow(Base):
    """One entry of the log of reviews. It never changes; undoing it sets `undone_at`.

    `id` is the client's `review_id`. The log is ordered by `effective_at`, then `id`. The `given_` columns are what
    the review gave at the time, so that a replay after a late arrival can be explained; only undoing changes a row.
    Rating and its source are null for entries that answer nothing (manual, rescheduled), the time taken where it was
    not measured.
    """

    __tablename__ = "reviews"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    id: Mapped[PrimaryId]
    card_id: Mapped[Id]
    kind: Mapped[str]
    rating: Mapped[Small | None]
    client_time: Mapped[Instant]
    effective_at: Mapped[Instant]
    received_at: Mapped[Instant]
    time_taken_ms: Mapped[int | None]
    rating_source: Mapped[str | None]
    attempt_id: Mapped[Id | None] = mapped_column(ForeignKey("attempts.id", ondelete="SET NULL"))
    suggested_rating: Mapped[Small | None]
    imported: Mapped[bool] = mapped_column(server_default=text("false"))
    resets_counts: Mapped[bool] = mapped_column(server_default=text("false"))
    scheduler: Mapped[str]
    scheduler_version: Mapped[str]
    state_before: Mapped[str]
    given_state: Mapped[str]
    given_step: Mapped[Small | None]
    given_interval_seconds: Mapped[int | None] = mapped_column(BigInteger)
    given_due_at: Mapped[Instant | None]
    given_due_day: Mapped[date | None]
    given_stability: Mapped[float | None]
    given_difficulty: Mapped[float | None]
    given_ease_factor: Mapped[float | None]
    retrievability_before: Mapped[float | None]
    reached_leech_threshold: Mapped[bool] = mapped_column(server_default=text("false"))
    suspended_card: Mapped[bool] = mapped_column(server_default=text("false"))
    buried_card_ids: Mapped[list[str]] = mapped_column(ARRAY(Uuid(as_uuid=False)), server_default="{}")
    undone_at: Mapped[Instant | None]
    sequence: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["user_id", "card_id"], ["cards.user_id", "cards.id"], ondelete="CASCADE"),
        one_of("kind", KINDS),
        in_range("rating", 1, 4),
        CheckConstraint("(rating IS NULL) = (kind IN ('manual', 'rescheduled'))", name="answer_has_rating"),
        one_of("scheduler", SCHEDULERS),
        one_of("rating_source", ("learner", "practice")),
        in_range("suggested_rating", 1, 4),
        one_of("state_before", STATES),
        one_of("given_state", STATES),
        in_range("retrievability_before", 0, 1),
        *not_negative("time_taken_ms", "given_interval_seconds"),
        Index(None, "user_id", "card_id", "effective_at", "id"),
        Index(None, "user_id", "effective_at"),
        Index(None, "user_id", "sequence"),
        Index(None, "attempt_id", postgresql_where=text("attempt_id IS NOT NULL")),
    )


class CardMarkRow(Base):
    """An entry of the log that is no review: a card suspended, buried, or taken back from it. It never changes.

    It takes its place among the reviews by `effective_at`, `client_time` and `id`.
    """

    __tablename__ = "card_marks"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    id: Mapped[PrimaryId]
    card_id: Mapped[Id]
    action: Mapped[str]
    client_time: Mapped[Instant]
    effective_at: Mapped[Instant]
    received_at: Mapped[Instant]
    until_day: Mapped[date | None]

    __table_args__ = (
        ForeignKeyConstraint(["user_id", "card_id"], ["cards.user_id", "cards.id"], ondelete="CASCADE"),
        one_of("action", ("suspend", "unsuspend", "bury", "unbury")),
        CheckConstraint("(action = 'bury') = (until_day IS NOT NULL)", name="burial_has_day"),
        Index(None, "user_id", "card_id"),
    )


class LearningSettingsRow(Base):
    """One learner's settings in force now; how they came to be is in `settings_changes`. Defaults are Anki's.

    `today_` limits hold on the learner's day `today` only. `fsrs_weights` are FSRS's 21, null for the library's.
    """

    __tablename__ = "learning_settings"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    scheduler: Mapped[str] = mapped_column(server_default="fsrs")
    fsrs_weights: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
    desired_retention: Mapped[float] = mapped_column(server_default="0.9")
    starting_ease_factor: Mapped[float] = mapped_column(server_default="2.5")
    max_interval_days: Mapped[int] = mapped_column(server_default="36500")
    fuzz_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    new_cards_per_day: Mapped[int] = mapped_column(server_default="20")
    reviews_per_day: Mapped[int] = mapped_column(server_default="200")
    today: Mapped[date | None]
    today_new_cards: Mapped[int | None]
    today_reviews: Mapped[int | None]
    learning_steps_seconds: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{60,600}")
    relearning_steps_seconds: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{600}")
    graduating_interval_days: Mapped[int] = mapped_column(server_default="1")
    easy_interval_days: Mapped[int] = mapped_column(server_default="4")
    learn_ahead_seconds: Mapped[int] = mapped_column(server_default="1200")
    new_card_order: Mapped[str] = mapped_column(server_default="added")
    leech_threshold: Mapped[int] = mapped_column(server_default="8")
    leech_action: Mapped[str] = mapped_column(server_default="mark")
    bury_siblings: Mapped[bool] = mapped_column(server_default=text("true"))
    vacation_first_day: Mapped[date | None]
    vacation_last_day: Mapped[date | None]
    sequence: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[Instant]

    __table_args__ = (
        one_of("scheduler", SCHEDULERS),
        in_range("desired_retention", 0.7, 0.99),
        in_range("starting_ease_factor", 1.3, 5),
        in_range("max_interval_days", 1, 36500),
        CheckConstraint("cardinality(fsrs_weights) = 21", name="fsrs_weights_count"),
        one_of("new_card_order", ("added", "easiest_first")),
        one_of("leech_action", ("mark", "suspend")),
        CheckConstraint("vacation_last_day >= vacation_first_day", name="vacation_ends_after_start"),
        CheckConstraint("graduating_interval_days >= 1", name="graduating_interval_days_range"),
        CheckConstraint("easy_interval_days >= 1", name="easy_interval_days_range"),
        CheckConstraint("0 < ALL (learning_steps_seconds)", name="learning_steps_seconds_range"),
        CheckConstraint("0 < ALL (relearning_steps_seconds)", name="relearning_steps_seconds_range"),
        *not_negative(
            "new_cards_per_day",
            "reviews_per_day",
            "today_new_cards",
            "today_reviews",
            "learn_ahead_seconds",
            "leech_threshold",
        ),
    )


class SettingsChangeRow(Base):
    """An entry of the log of settings: what changed and from when, for the replay of cards.

    `changes` is a JSON object of field name to new value. The time zone and the day's turning hour count among them;
    as the profile has only the present ones, a change of them also has what was before, as `from_time_zone` and
    `from_day_turn_hour`. `moves_cards` tells that all cards which were not new were replayed under the new settings.
    """

    __tablename__ = "settings_changes"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    id: Mapped[PrimaryId]
    effective_at: Mapped[Instant]
    received_at: Mapped[Instant]
    changes: Mapped[Json]
    moves_cards: Mapped[bool] = mapped_column(server_default=text("false"))
    sequence: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index(None, "user_id", "effective_at", "id"),
        Index(None, "user_id", "sequence"),
    )


class DailyStatsRow(Base):
    """A learner's figures for one of their days and one skill, kept as sums so that they equal a replay of the log.

    `buttons` has the answers to learning, young, mature, relearning and practised cards, of each four by rating (all
    but the first are correct); `hour_answers` and `hour_correct` go by the hour of the learner's clock. Study sessions,
    speaking and the streak are counted from the answers, the attempts and the days when they are asked for: what is
    over, deleted or bridged by a vacation changes without an answer.
    """

    __tablename__ = "daily_stats"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(primary_key=True)
    skill: Mapped[str] = mapped_column(primary_key=True)
    cards_reviewed: Mapped[int]
    cards_learned: Mapped[int]
    new_cards_introduced: Mapped[int]
    cards_graduated: Mapped[int]
    timed_answers: Mapped[int]
    studied_ms: Mapped[int] = mapped_column(BigInteger)
    buttons: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    hour_answers: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    hour_correct: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    updated_at: Mapped[Instant]

    __table_args__ = (
        one_of("skill", SKILLS),
        *not_negative(
            "cards_reviewed",
            "cards_learned",
            "new_cards_introduced",
            "cards_graduated",
            "timed_answers",
            "studied_ms",
        ),
        CheckConstraint("cardinality(buttons) = 20 AND 0 <= ALL (buttons)", name="buttons_range"),
        CheckConstraint("cardinality(hour_answers) = 24 AND 0 <= ALL (hour_answers)", name="hour_answers_range"),
        CheckConstraint("cardinality(hour_correct) = 24 AND 0 <= ALL (hour_correct)", name="hour_correct_range"),
    )


class ChangeCounterRow(Base):
    """The last change sequence given out to one user.

    Adding to it locks the row until commit, so a user's sequences become visible in order and a sync that has read
    up to n never misses one below n. A PostgreSQL sequence would not do: it is not given back in commit order.
    """

    __tablename__ = "change_counters"

    user_id: Mapped[PrimaryId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    last_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")

    __table_args__ = (*not_negative("last_sequence"),)
