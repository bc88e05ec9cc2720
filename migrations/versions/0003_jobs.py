"""Background jobs: our own table, and procrastinate's queue in a schema of its own.

The queue's SQL is that of the version in its file's name, never that of the installed one: a newer procrastinate needs
a migration of ours.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

QUEUE = Path(__file__).parents[1] / "procrastinate" / "3.10.0.sql"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE jobs (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            kind TEXT NOT NULL,
            state TEXT DEFAULT 'queued' NOT NULL,
            input JSONB NOT NULL,
            subject_id UUID,
            done BIGINT DEFAULT 0 NOT NULL,
            total BIGINT,
            stage TEXT DEFAULT '' NOT NULL,
            attempts INTEGER DEFAULT 0 NOT NULL,
            max_attempts INTEGER NOT NULL,
            created_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            started_at timestamptz,
            heartbeat_at timestamptz,
            cancel_requested_at timestamptz,
            ended_at timestamptz,
            updated_at timestamptz NOT NULL,
            expires_at timestamptz,
            failure JSONB,
            result JSONB,
            CONSTRAINT pk_jobs PRIMARY KEY (id),
            CONSTRAINT fk_jobs_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT ck_jobs_kind_known CHECK (
                kind IN ('import', 'export', 'deletion', 'audio_batch', 'optimization', 'simulation', 'rescoring')
            ),
            CONSTRAINT ck_jobs_state_known CHECK (
                state IN ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')
            ),
            CONSTRAINT ck_jobs_done_range CHECK (done >= 0),
            CONSTRAINT ck_jobs_attempts_range CHECK (attempts >= 0),
            CONSTRAINT ck_jobs_attempts_bounded CHECK (attempts <= max_attempts),
            CONSTRAINT ck_jobs_total_not_below_done CHECK (total >= done),
            CONSTRAINT ck_jobs_failed_has_failure CHECK ((state = 'failed') = (failure IS NOT NULL)),
            CONSTRAINT ck_jobs_succeeded_has_result CHECK ((state = 'succeeded') = (result IS NOT NULL)),
            CONSTRAINT ck_jobs_final_has_end CHECK (
                (state IN ('succeeded', 'failed', 'cancelled')) = (ended_at IS NOT NULL)
            ),
            CONSTRAINT ck_jobs_end_has_expiry CHECK ((ended_at IS NULL) = (expires_at IS NULL))
        );
        CREATE INDEX ix_jobs_user_id_created_at_id ON jobs (user_id, created_at, id);
        CREATE INDEX ix_jobs_heartbeat_at ON jobs (heartbeat_at) WHERE state IN ('running', 'cancelling');
        CREATE INDEX ix_jobs_due_at ON jobs (due_at) WHERE state = 'queued';
        CREATE INDEX ix_jobs_expires_at ON jobs (expires_at) WHERE expires_at IS NOT NULL;
        """
    )
    op.execute("CREATE SCHEMA procrastinate")
    # Its SQL names nothing by schema. The path is set back, for Alembic's own table.
    op.execute("SELECT set_config('kaiwa.search_path', current_setting('search_path'), true)")
    op.execute("SET LOCAL search_path TO procrastinate")
    op.execute(QUEUE.read_text("utf-8"))
    op.execute("SELECT set_config('search_path', current_setting('kaiwa.search_path'), true)")


def downgrade() -> None:
    op.execute("DROP SCHEMA procrastinate CASCADE")
    op.execute("DROP TABLE jobs")
