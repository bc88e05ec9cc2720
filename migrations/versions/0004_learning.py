"""Learning: what the replay of cards needs to go on from a stored card, and the log of what is no review."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE cards
            ADD COLUMN base_due_day DATE,
            ADD COLUMN memory_day DATE,
            ADD COLUMN last_answer_day DATE,
            ADD COLUMN last_event_at timestamptz,
            ADD CONSTRAINT ck_cards_steps_have_due_at
                CHECK ((state IN ('learning', 'relearning')) = (due_at IS NOT NULL)),
            ADD CONSTRAINT ck_cards_review_has_due_day CHECK ((state = 'review') = (due_day IS NOT NULL)),
            ADD CONSTRAINT ck_cards_due_day_has_base CHECK ((due_day IS NULL) = (base_due_day IS NULL)),
            ADD CONSTRAINT ck_cards_answered_has_memory_day CHECK ((state = 'new') = (memory_day IS NULL)),
            ADD CONSTRAINT ck_cards_answer_has_day CHECK ((last_review_at IS NULL) = (last_answer_day IS NULL));
        DROP INDEX ix_cards_user_id_state_due_at_id;
        CREATE INDEX ix_cards_user_id_due_at ON cards (user_id, due_at)
            WHERE state IN ('learning', 'relearning') AND NOT suspended AND deleted_at IS NULL;
        CREATE INDEX ix_cards_user_id_due_day ON cards (user_id, due_day)
            WHERE state = 'review' AND NOT suspended AND deleted_at IS NULL;
        CREATE INDEX ix_cards_user_id_sentence_id ON cards (user_id, sentence_id) WHERE deleted_at IS NULL;
        CREATE INDEX ix_cards_user_id_created_at_id ON cards (user_id, created_at, id) WHERE deleted_at IS NULL;

        ALTER TABLE reviews ADD COLUMN resets_counts BOOLEAN DEFAULT false NOT NULL;
        ALTER TABLE settings_changes ADD COLUMN moves_cards BOOLEAN DEFAULT false NOT NULL;

        CREATE TABLE card_marks (
            user_id UUID NOT NULL,
            id UUID NOT NULL,
            card_id UUID NOT NULL,
            action TEXT NOT NULL,
            client_time timestamptz NOT NULL,
            effective_at timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            until_day DATE,
            CONSTRAINT pk_card_marks PRIMARY KEY (user_id, id),
            CONSTRAINT ck_card_marks_action_known CHECK (action IN ('suspend', 'unsuspend', 'bury', 'unbury')),
            CONSTRAINT ck_card_marks_burial_has_day CHECK ((action = 'bury') = (until_day IS NOT NULL)),
            CONSTRAINT fk_card_marks_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT fk_card_marks_user_id_card_id FOREIGN KEY (user_id, card_id)
                REFERENCES cards (user_id, id) ON DELETE CASCADE
        );
        CREATE INDEX ix_card_marks_user_id_card_id ON card_marks (user_id, card_id);
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE card_marks;
        ALTER TABLE settings_changes DROP COLUMN moves_cards;
        ALTER TABLE reviews DROP COLUMN resets_counts;
        DROP INDEX ix_cards_user_id_created_at_id;
        DROP INDEX ix_cards_user_id_sentence_id;
        DROP INDEX ix_cards_user_id_due_day;
        DROP INDEX ix_cards_user_id_due_at;
        CREATE INDEX ix_cards_user_id_state_due_at_id ON cards (user_id, state, due_at, id)
            WHERE state <> 'new' AND NOT suspended AND deleted_at IS NULL;
        ALTER TABLE cards
            DROP CONSTRAINT ck_cards_answer_has_day,
            DROP CONSTRAINT ck_cards_answered_has_memory_day,
            DROP CONSTRAINT ck_cards_due_day_has_base,
            DROP CONSTRAINT ck_cards_review_has_due_day,
            DROP CONSTRAINT ck_cards_steps_have_due_at,
            DROP COLUMN last_event_at,
            DROP COLUMN last_answer_day,
            DROP COLUMN memory_day,
            DROP COLUMN base_due_day;
        """
    )
