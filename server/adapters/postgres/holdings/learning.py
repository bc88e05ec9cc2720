"""What learning holds: cards, the log of reviews, settings, daily figures."""

from server.adapters.postgres.holdings.held import Held, PostgresHoldings, of
from server.adapters.postgres.tables import (
    CardMarkRow,
    CardRow,
    ChangeCounterRow,
    DailyStatsRow,
    LearningSettingsRow,
    ReviewRow,
    SettingsChangeRow,
)

LEARNING = PostgresHoldings(
    [
        Held(CardRow, "learning/cards", "Your cards, as your reviews left them.", of(CardRow.user_id)),
        Held(ReviewRow, "learning/reviews", "Every review that you made.", of(ReviewRow.user_id)),
        Held(
            CardMarkRow,
            "learning/card_marks",
            "What you did to your cards beside answering: suspending, burying, resetting.",
            of(CardMarkRow.user_id),
        ),
        Held(LearningSettingsRow, "learning/settings", "Your settings for learning.", of(LearningSettingsRow.user_id)),
        Held(
            SettingsChangeRow,
            "learning/settings_changes",
            "When you changed your settings, and how.",
            of(SettingsChangeRow.user_id),
        ),
        Held(DailyStatsRow, "learning/daily_stats", "Your figures, day by day.", of(DailyStatsRow.user_id)),
        Held(
            ChangeCounterRow,
            "learning/change_counter",
            "How many changes there were, which your devices catch up by.",
            of(ChangeCounterRow.user_id),
        ),
    ]
)
"""What learning holds."""
