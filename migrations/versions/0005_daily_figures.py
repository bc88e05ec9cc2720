"""Daily figures by skill, with buttons and hours."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing has written to the old table yet.
    op.execute("DROP TABLE daily_stats")
    op.execute(
        """
        CREATE TABLE daily_stats (
            user_id UUID NOT NULL,
            day DATE NOT NULL,
            skill TEXT NOT NULL,
            cards_reviewed INTEGER NOT NULL,
            cards_learned INTEGER NOT NULL,
            new_cards_introduced INTEGER NOT NULL,
            cards_graduated INTEGER NOT NULL,
            timed_answers INTEGER NOT NULL,
            studied_ms BIGINT NOT NULL,
            buttons INTEGER[] NOT NULL,
            hour_answers INTEGER[] NOT NULL,
            hour_correct INTEGER[] NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT pk_daily_stats PRIMARY KEY (user_id, day, skill),
            CONSTRAINT ck_daily_stats_skill_known CHECK (skill IN ('reading', 'listening', 'speaking')),
            CONSTRAINT ck_daily_stats_cards_reviewed_range CHECK (cards_reviewed >= 0),
            CONSTRAINT ck_daily_stats_cards_learned_range CHECK (cards_learned >= 0),
            CONSTRAINT ck_daily_stats_new_cards_introduced_range CHECK (new_cards_introduced >= 0),
            CONSTRAINT ck_daily_stats_cards_graduated_range CHECK (cards_graduated >= 0),
            CONSTRAINT ck_daily_stats_timed_answers_range CHECK (timed_answers >= 0),
            CONSTRAINT ck_daily_stats_studied_ms_range CHECK (studied_ms >= 0),
            CONSTRAINT ck_daily_stats_buttons_range CHECK (cardinality(buttons) = 20 AND 0 <= ALL (buttons)),
            CONSTRAINT ck_daily_stats_hour_answers_range
                CHECK (cardinality(hour_answers) = 24 AND 0 <= ALL (hour_answers)),
            CONSTRAINT ck_daily_stats_hour_correct_range
                CHECK (cardinality(hour_correct) = 24 AND 0 <= ALL (hour_correct)),
            CONSTRAINT fk_daily_stats_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE daily_stats")
    op.execute(
        """
        CREATE TABLE daily_stats (
            user_id UUID NOT NULL,
            day DATE NOT NULL,
            cards_reviewed INTEGER DEFAULT 0 NOT NULL,
            cards_learned INTEGER DEFAULT 0 NOT NULL,
            new_cards_introduced INTEGER DEFAULT 0 NOT NULL,
            cards_graduated INTEGER DEFAULT 0 NOT NULL,
            again INTEGER DEFAULT 0 NOT NULL,
            hard INTEGER DEFAULT 0 NOT NULL,
            good INTEGER DEFAULT 0 NOT NULL,
            easy INTEGER DEFAULT 0 NOT NULL,
            retention_answers INTEGER DEFAULT 0 NOT NULL,
            retention_correct INTEGER DEFAULT 0 NOT NULL,
            timed_answers INTEGER DEFAULT 0 NOT NULL,
            studied_ms BIGINT DEFAULT 0 NOT NULL,
            sessions_completed INTEGER DEFAULT 0 NOT NULL,
            speaking_sessions INTEGER DEFAULT 0 NOT NULL,
            pronunciation_count INTEGER DEFAULT 0 NOT NULL,
            pronunciation_total NUMERIC(14, 4) DEFAULT 0 NOT NULL,
            study_streak INTEGER DEFAULT 0 NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT pk_daily_stats PRIMARY KEY (user_id, day),
            CONSTRAINT ck_daily_stats_cards_reviewed_range CHECK (cards_reviewed >= 0),
            CONSTRAINT ck_daily_stats_cards_learned_range CHECK (cards_learned >= 0),
            CONSTRAINT ck_daily_stats_new_cards_introduced_range CHECK (new_cards_introduced >= 0),
            CONSTRAINT ck_daily_stats_cards_graduated_range CHECK (cards_graduated >= 0),
            CONSTRAINT ck_daily_stats_again_range CHECK (again >= 0),
            CONSTRAINT ck_daily_stats_hard_range CHECK (hard >= 0),
            CONSTRAINT ck_daily_stats_good_range CHECK (good >= 0),
            CONSTRAINT ck_daily_stats_easy_range CHECK (easy >= 0),
            CONSTRAINT ck_daily_stats_retention_answers_range CHECK (retention_answers >= 0),
            CONSTRAINT ck_daily_stats_retention_correct_range CHECK (retention_correct >= 0),
            CONSTRAINT ck_daily_stats_timed_answers_range CHECK (timed_answers >= 0),
            CONSTRAINT ck_daily_stats_studied_ms_range CHECK (studied_ms >= 0),
            CONSTRAINT ck_daily_stats_sessions_completed_range CHECK (sessions_completed >= 0),
            CONSTRAINT ck_daily_stats_speaking_sessions_range CHECK (speaking_sessions >= 0),
            CONSTRAINT ck_daily_stats_pronunciation_count_range CHECK (pronunciation_count >= 0),
            CONSTRAINT ck_daily_stats_pronunciation_total_range CHECK (pronunciation_total >= 0),
            CONSTRAINT ck_daily_stats_study_streak_range CHECK (study_streak >= 0),
            CONSTRAINT ck_daily_stats_retention_correct_within_answers CHECK (retention_correct <= retention_answers),
            CONSTRAINT fk_daily_stats_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        )
        """
    )
