"""Imports, their files, and by what an imported sentence is known again."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE imports (
            id UUID NOT NULL,
            owner_id UUID NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            options JSONB NOT NULL,
            job_id UUID,
            position BIGINT DEFAULT '0' NOT NULL,
            media_position BIGINT DEFAULT '0' NOT NULL,
            report JSONB,
            failure JSONB,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            started_at timestamptz,
            finished_at timestamptz,
            expires_at timestamptz,
            CONSTRAINT pk_imports PRIMARY KEY (id),
            CONSTRAINT fk_imports_owner_id FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT ck_imports_kind_known CHECK (kind IN ('tatoeba', 'tatoeba_pairs', 'anki_package', 'table')),
            CONSTRAINT ck_imports_state_known CHECK (
                state IN (
                    'awaiting_files', 'ready', 'queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired'
                )
            ),
            CONSTRAINT ck_imports_failed_has_failure CHECK ((state = 'failed') = (failure IS NOT NULL)),
            CONSTRAINT ck_imports_position_range CHECK (position >= 0),
            CONSTRAINT ck_imports_media_position_range CHECK (media_position >= 0)
        )
        """
    )
    op.execute("CREATE INDEX ix_imports_owner_id_created_at_id ON imports (owner_id, created_at, id)")
    op.execute("CREATE INDEX ix_imports_expires_at ON imports (expires_at) WHERE expires_at IS NOT NULL")
    op.execute(
        """
        CREATE TABLE import_files (
            import_id UUID NOT NULL,
            role TEXT NOT NULL,
            upload_id UUID NOT NULL,
            file_name TEXT DEFAULT '' NOT NULL,
            size_bytes BIGINT NOT NULL,
            received_bytes BIGINT DEFAULT '0' NOT NULL,
            sha256 BYTEA,
            CONSTRAINT pk_import_files PRIMARY KEY (import_id, role),
            CONSTRAINT fk_import_files_import_id FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE CASCADE,
            CONSTRAINT ck_import_files_role_known CHECK (
                role IN (
                    'tatoeba_sentences', 'tatoeba_english', 'tatoeba_links', 'tatoeba_indices', 'tatoeba_audio',
                    'tatoeba_pairs', 'anki_package', 'table', 'table_media'
                )
            ),
            CONSTRAINT ck_import_files_received_bytes_range CHECK (received_bytes >= 0),
            CONSTRAINT ck_import_files_received_within_size CHECK (received_bytes <= size_bytes),
            CONSTRAINT ck_import_files_sha256_length CHECK (octet_length(sha256) = 32)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE import_parts (
            import_id UUID NOT NULL,
            role TEXT NOT NULL,
            start BIGINT NOT NULL,
            size_bytes INTEGER NOT NULL,
            object_key TEXT NOT NULL,
            CONSTRAINT pk_import_parts PRIMARY KEY (import_id, role, start),
            CONSTRAINT fk_import_parts_import_id_role FOREIGN KEY (import_id, role)
                REFERENCES import_files (import_id, role) ON DELETE CASCADE,
            CONSTRAINT uq_import_parts_object_key UNIQUE (object_key)
        )
        """
    )
    op.execute("ALTER TABLE sentences ADD COLUMN import_fingerprints JSONB DEFAULT '{}' NOT NULL")
    op.execute(
        "CREATE INDEX ix_sentences_japanese_hash ON sentences (hashtextextended(japanese, 0)) WHERE deleted_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_sentences_japanese_hash")
    op.execute("ALTER TABLE sentences DROP COLUMN import_fingerprints")
    op.execute("DROP TABLE import_parts")
    op.execute("DROP TABLE import_files")
    op.execute("DROP TABLE imports")
