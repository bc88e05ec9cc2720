"""Accounts: tokens that are mailed, and the log of what administrators do."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE one_time_tokens (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            purpose TEXT NOT NULL,
            token_hash BYTEA NOT NULL,
            email TEXT NOT NULL,
            issued_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            CONSTRAINT pk_one_time_tokens PRIMARY KEY (id),
            CONSTRAINT uq_one_time_tokens_token_hash UNIQUE (token_hash),
            CONSTRAINT ck_one_time_tokens_purpose_known CHECK (purpose IN ('verify_email', 'reset_password')),
            CONSTRAINT ck_one_time_tokens_token_hash_sha256 CHECK (octet_length(token_hash) = 32),
            CONSTRAINT fk_one_time_tokens_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX ix_one_time_tokens_user_id_purpose ON one_time_tokens (user_id, purpose);
        CREATE INDEX ix_one_time_tokens_expires_at ON one_time_tokens (expires_at);

        CREATE TABLE audit_log (
            id UUID NOT NULL,
            at timestamptz NOT NULL,
            actor_id UUID,
            action TEXT NOT NULL,
            user_id UUID,
            config_key TEXT,
            changes JSONB NOT NULL,
            note TEXT DEFAULT '' NOT NULL,
            CONSTRAINT pk_audit_log PRIMARY KEY (id),
            CONSTRAINT ck_audit_log_action_known CHECK (action IN ('update_user', 'set_config', 'delete_config')),
            CONSTRAINT fk_audit_log_actor_id FOREIGN KEY (actor_id) REFERENCES users (id) ON DELETE SET NULL,
            CONSTRAINT fk_audit_log_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_audit_log_at ON audit_log (at);
        CREATE INDEX ix_audit_log_actor_id ON audit_log (actor_id) WHERE actor_id IS NOT NULL;
        CREATE INDEX ix_audit_log_user_id ON audit_log (user_id) WHERE user_id IS NOT NULL;
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE audit_log")
    op.execute("DROP TABLE one_time_tokens")
