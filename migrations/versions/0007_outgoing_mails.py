"""Mails that are to be sent."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE outgoing_mails (
            id UUID NOT NULL,
            kind TEXT NOT NULL,
            user_id UUID,
            address TEXT NOT NULL,
            request_id UUID,
            body_hash BYTEA,
            attempts INTEGER DEFAULT 0 NOT NULL,
            created_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            CONSTRAINT pk_outgoing_mails PRIMARY KEY (id),
            CONSTRAINT fk_outgoing_mails_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT ck_outgoing_mails_kind_known CHECK (
                kind IN ('verification', 'address_changed', 'password_reset')
            ),
            CONSTRAINT ck_outgoing_mails_attempts_range CHECK (attempts >= 0),
            CONSTRAINT ck_outgoing_mails_request_has_body CHECK ((request_id IS NULL) = (body_hash IS NULL)),
            CONSTRAINT ck_outgoing_mails_body_hash_sha256 CHECK (octet_length(body_hash) = 32)
        );
        CREATE INDEX ix_outgoing_mails_due_at ON outgoing_mails (due_at);
        CREATE INDEX ix_outgoing_mails_user_id ON outgoing_mails (user_id) WHERE user_id IS NOT NULL;
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE outgoing_mails")
