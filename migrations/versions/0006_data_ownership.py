"""Exports and deletions of accounts, and what attempts of a job keep for later ones."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE users ADD COLUMN deletion_job_id UUID;
        ALTER TABLE jobs ADD COLUMN checkpoint JSONB DEFAULT '{}' NOT NULL;
        CREATE TABLE exports (
            job_id UUID NOT NULL,
            user_id UUID NOT NULL,
            object_key TEXT NOT NULL,
            size_bytes BIGINT NOT NULL,
            sha256 BYTEA NOT NULL,
            created_at timestamptz NOT NULL,
            deleted_at timestamptz,
            CONSTRAINT pk_exports PRIMARY KEY (job_id),
            CONSTRAINT fk_exports_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT uq_exports_object_key UNIQUE (object_key),
            CONSTRAINT ck_exports_size_bytes_range CHECK (size_bytes >= 0),
            CONSTRAINT ck_exports_sha256_length CHECK (octet_length(sha256) = 32)
        );
        CREATE INDEX ix_exports_user_id ON exports (user_id);
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE exports")
    op.execute("ALTER TABLE jobs DROP COLUMN checkpoint")
    op.execute("ALTER TABLE users DROP COLUMN deletion_job_id")
