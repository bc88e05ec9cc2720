"""Foundation: users, sentences, learning, speech.

Written in SQL, as there is one dialect. A test holds that it makes what `server.adapters.postgres.tables` declares.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "reviews",
    "attempts",
    "speaking_sessions",
    "refresh_tokens",
    "cards",
    "audio_files",
    "system_config",
    "settings_changes",
    "sessions",
    "sentences",
    "pronunciations",
    "learning_settings",
    "idempotency_keys",
    "daily_stats",
    "change_counters",
    "users",
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute(
        """
        CREATE TABLE users (
            id UUID NOT NULL,
            email TEXT NOT NULL,
            username TEXT NOT NULL,
            password_hash TEXT NOT NULL,
            role TEXT DEFAULT 'student' NOT NULL,
            native_language TEXT DEFAULT 'en' NOT NULL,
            target_language TEXT DEFAULT 'ja' NOT NULL,
            level SMALLINT DEFAULT 1 NOT NULL,
            time_zone TEXT DEFAULT 'UTC' NOT NULL,
            day_turn_hour SMALLINT DEFAULT 4 NOT NULL,
            voice_retention_days SMALLINT DEFAULT 0 NOT NULL,
            active BOOLEAN DEFAULT true NOT NULL,
            verified BOOLEAN DEFAULT false NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT pk_users PRIMARY KEY (id),
            CONSTRAINT ck_users_role_known CHECK (role IN ('student', 'teacher', 'admin')),
            CONSTRAINT ck_users_level_range CHECK (level BETWEEN 1 AND 10),
            CONSTRAINT ck_users_day_turn_hour_range CHECK (day_turn_hour BETWEEN 0 AND 23),
            CONSTRAINT ck_users_voice_retention_days_range CHECK (voice_retention_days BETWEEN 0 AND 3650)
        );
        CREATE UNIQUE INDEX uq_users_email_lower ON users (lower(email));
        CREATE UNIQUE INDEX uq_users_username_lower ON users (lower(username));
        """
    )
    op.execute(
        """
        CREATE TABLE change_counters (
            user_id UUID NOT NULL,
            last_sequence BIGINT DEFAULT 0 NOT NULL,
            CONSTRAINT pk_change_counters PRIMARY KEY (user_id),
            CONSTRAINT ck_change_counters_last_sequence_range CHECK (last_sequence >= 0),
            CONSTRAINT fk_change_counters_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        """
    )
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
        );
        """
    )
    op.execute(
        """
        CREATE TABLE idempotency_keys (
            user_id UUID NOT NULL,
            method TEXT NOT NULL,
            request_id UUID NOT NULL,
            body_hash BYTEA NOT NULL,
            response BYTEA,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_idempotency_keys PRIMARY KEY (user_id, method, request_id),
            CONSTRAINT ck_idempotency_keys_body_hash_sha256 CHECK (octet_length(body_hash) = 32),
            CONSTRAINT fk_idempotency_keys_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
        """
    )
    op.execute(
        """
        CREATE TABLE learning_settings (
            user_id UUID NOT NULL,
            scheduler TEXT DEFAULT 'fsrs' NOT NULL,
            fsrs_weights DOUBLE PRECISION[],
            desired_retention DOUBLE PRECISION DEFAULT 0.9 NOT NULL,
            starting_ease_factor DOUBLE PRECISION DEFAULT 2.5 NOT NULL,
            max_interval_days INTEGER DEFAULT 36500 NOT NULL,
            fuzz_enabled BOOLEAN DEFAULT true NOT NULL,
            new_cards_per_day INTEGER DEFAULT 20 NOT NULL,
            reviews_per_day INTEGER DEFAULT 200 NOT NULL,
            today DATE,
            today_new_cards INTEGER,
            today_reviews INTEGER,
            learning_steps_seconds INTEGER[] DEFAULT '{60,600}' NOT NULL,
            relearning_steps_seconds INTEGER[] DEFAULT '{600}' NOT NULL,
            graduating_interval_days INTEGER DEFAULT 1 NOT NULL,
            easy_interval_days INTEGER DEFAULT 4 NOT NULL,
            learn_ahead_seconds INTEGER DEFAULT 1200 NOT NULL,
            new_card_order TEXT DEFAULT 'added' NOT NULL,
            leech_threshold INTEGER DEFAULT 8 NOT NULL,
            leech_action TEXT DEFAULT 'mark' NOT NULL,
            bury_siblings BOOLEAN DEFAULT true NOT NULL,
            vacation_first_day DATE,
            vacation_last_day DATE,
            sequence BIGINT NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT pk_learning_settings PRIMARY KEY (user_id),
            CONSTRAINT ck_learning_settings_scheduler_known CHECK (scheduler IN ('fsrs', 'sm2')),
            CONSTRAINT ck_learning_settings_desired_retention_range CHECK (desired_retention BETWEEN 0.7 AND 0.99),
            CONSTRAINT ck_learning_settings_starting_ease_factor_range CHECK (starting_ease_factor BETWEEN 1.3 AND 5),
            CONSTRAINT ck_learning_settings_max_interval_days_range CHECK (max_interval_days BETWEEN 1 AND 36500),
            CONSTRAINT ck_learning_settings_fsrs_weights_count CHECK (cardinality(fsrs_weights) = 21),
            CONSTRAINT ck_learning_settings_new_card_order_known CHECK (new_card_order IN ('added', 'easiest_first')),
            CONSTRAINT ck_learning_settings_leech_action_known CHECK (leech_action IN ('mark', 'suspend')),
            CONSTRAINT ck_learning_settings_vacation_ends_after_start CHECK (vacation_last_day >= vacation_first_day),
            CONSTRAINT ck_learning_settings_graduating_interval_days_range CHECK (graduating_interval_days >= 1),
            CONSTRAINT ck_learning_settings_easy_interval_days_range CHECK (easy_interval_days >= 1),
            CONSTRAINT ck_learning_settings_learning_steps_seconds_range CHECK (0 < ALL (learning_steps_seconds)),
            CONSTRAINT ck_learning_settings_relearning_steps_seconds_range CHECK (0 < ALL (relearning_steps_seconds)),
            CONSTRAINT ck_learning_settings_new_cards_per_day_range CHECK (new_cards_per_day >= 0),
            CONSTRAINT ck_learning_settings_reviews_per_day_range CHECK (reviews_per_day >= 0),
            CONSTRAINT ck_learning_settings_today_new_cards_range CHECK (today_new_cards >= 0),
            CONSTRAINT ck_learning_settings_today_reviews_range CHECK (today_reviews >= 0),
            CONSTRAINT ck_learning_settings_learn_ahead_seconds_range CHECK (learn_ahead_seconds >= 0),
            CONSTRAINT ck_learning_settings_leech_threshold_range CHECK (leech_threshold >= 0),
            CONSTRAINT fk_learning_settings_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        """
    )
    op.execute(
        """
        CREATE TABLE pronunciations (
            id UUID NOT NULL,
            word TEXT NOT NULL,
            reading TEXT NOT NULL,
            accepted_accents SMALLINT[] NOT NULL,
            note TEXT DEFAULT '' NOT NULL,
            owner_id UUID,
            created_by UUID,
            revision INTEGER DEFAULT 1 NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            deleted_at timestamptz,
            CONSTRAINT pk_pronunciations PRIMARY KEY (id),
            CONSTRAINT ck_pronunciations_accepted_accents_range CHECK (0 <= ALL (accepted_accents)),
            CONSTRAINT ck_pronunciations_revision_range CHECK (revision >= 1),
            CONSTRAINT fk_pronunciations_owner_id FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT fk_pronunciations_created_by FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_pronunciations_created_by ON pronunciations (created_by) WHERE created_by IS NOT NULL;
        CREATE INDEX ix_pronunciations_owner_id ON pronunciations (owner_id) WHERE owner_id IS NOT NULL;
        CREATE UNIQUE INDEX uq_pronunciations_word_reading ON pronunciations (word, reading, owner_id)
            NULLS NOT DISTINCT WHERE deleted_at IS NULL;
        """
    )
    op.execute(
        """
        CREATE TABLE sentences (
            id UUID NOT NULL,
            japanese TEXT NOT NULL,
            english TEXT NOT NULL,
            english_source_id TEXT,
            english_author TEXT,
            english_licence TEXT,
            other_translations JSONB DEFAULT '[]' NOT NULL,
            reading TEXT,
            romaji TEXT,
            furigana JSONB DEFAULT '[]' NOT NULL,
            reading_origin TEXT,
            search_terms TEXT[] DEFAULT '{}' NOT NULL,
            difficulty SMALLINT,
            difficulty_computed BOOLEAN DEFAULT false NOT NULL,
            jlpt_level SMALLINT,
            source TEXT NOT NULL,
            source_id TEXT,
            author TEXT,
            licence TEXT,
            tags TEXT[] DEFAULT '{}' NOT NULL,
            word_count INTEGER DEFAULT 0 NOT NULL,
            character_count INTEGER DEFAULT 0 NOT NULL,
            active BOOLEAN DEFAULT true NOT NULL,
            owner_id UUID,
            visibility TEXT DEFAULT 'shared' NOT NULL,
            revision INTEGER DEFAULT 1 NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            deleted_at timestamptz,
            CONSTRAINT pk_sentences PRIMARY KEY (id),
            CONSTRAINT ck_sentences_difficulty_range CHECK (difficulty BETWEEN 1 AND 10),
            CONSTRAINT ck_sentences_jlpt_level_range CHECK (jlpt_level BETWEEN 1 AND 5),
            CONSTRAINT ck_sentences_source_known CHECK (source IN ('tatoeba', 'anki', 'custom', 'community')),
            CONSTRAINT ck_sentences_reading_origin_known CHECK (reading_origin IN ('analyzer', 'human')),
            CONSTRAINT ck_sentences_visibility_known CHECK (visibility IN ('shared', 'private')),
            CONSTRAINT ck_sentences_private_has_owner CHECK ((visibility = 'private') = (owner_id IS NOT NULL)),
            CONSTRAINT ck_sentences_revision_range CHECK (revision >= 1),
            CONSTRAINT ck_sentences_word_count_range CHECK (word_count >= 0),
            CONSTRAINT ck_sentences_character_count_range CHECK (character_count >= 0),
            CONSTRAINT fk_sentences_owner_id FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX ix_sentences_created_at_id ON sentences (created_at, id) WHERE deleted_at IS NULL;
        CREATE INDEX ix_sentences_difficulty_id ON sentences (difficulty, id) WHERE deleted_at IS NULL;
        CREATE INDEX ix_sentences_english_trigrams ON sentences USING gin (english gin_trgm_ops);
        CREATE INDEX ix_sentences_japanese_trigrams ON sentences USING gin (japanese gin_trgm_ops);
        CREATE INDEX ix_sentences_jlpt_level_id ON sentences (jlpt_level, id) WHERE deleted_at IS NULL;
        CREATE INDEX ix_sentences_owner_id_id ON sentences (owner_id, id) WHERE owner_id IS NOT NULL;
        CREATE INDEX ix_sentences_reading_trigrams ON sentences USING gin (reading gin_trgm_ops);
        CREATE INDEX ix_sentences_romaji_trigrams ON sentences USING gin (romaji gin_trgm_ops);
        CREATE INDEX ix_sentences_search_terms ON sentences USING gin (search_terms);
        CREATE INDEX ix_sentences_tags ON sentences USING gin (tags);
        CREATE UNIQUE INDEX uq_sentences_source_id ON sentences (source, source_id, owner_id)
            NULLS NOT DISTINCT WHERE source_id IS NOT NULL AND deleted_at IS NULL;
        """
    )
    op.execute(
        """
        CREATE TABLE sessions (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            device_name TEXT DEFAULT '' NOT NULL,
            user_agent TEXT DEFAULT '' NOT NULL,
            created_at timestamptz NOT NULL,
            refreshed_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_reason TEXT,
            CONSTRAINT pk_sessions PRIMARY KEY (id),
            CONSTRAINT ck_sessions_revoked_has_reason CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
            CONSTRAINT fk_sessions_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX ix_sessions_user_id_created_at ON sessions (user_id, created_at);
        """
    )
    op.execute(
        """
        CREATE TABLE settings_changes (
            user_id UUID NOT NULL,
            id UUID NOT NULL,
            effective_at timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            changes JSONB NOT NULL,
            sequence BIGINT NOT NULL,
            CONSTRAINT pk_settings_changes PRIMARY KEY (user_id, id),
            CONSTRAINT fk_settings_changes_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX ix_settings_changes_user_id_effective_at_id ON settings_changes (user_id, effective_at, id);
        CREATE INDEX ix_settings_changes_user_id_sequence ON settings_changes (user_id, sequence);
        """
    )
    op.execute(
        """
        CREATE TABLE system_config (
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            description TEXT DEFAULT '' NOT NULL,
            is_public BOOLEAN DEFAULT false NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by UUID,
            CONSTRAINT pk_system_config PRIMARY KEY (key),
            CONSTRAINT fk_system_config_updated_by FOREIGN KEY (updated_by) REFERENCES users (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_system_config_updated_by ON system_config (updated_by) WHERE updated_by IS NOT NULL;
        """
    )
    op.execute(
        """
        CREATE TABLE audio_files (
            id UUID NOT NULL,
            object_key TEXT NOT NULL,
            size_bytes BIGINT NOT NULL,
            duration_seconds DOUBLE PRECISION NOT NULL,
            content_type TEXT NOT NULL,
            sample_rate_hertz INTEGER NOT NULL,
            channels SMALLINT DEFAULT 1 NOT NULL,
            sha256 BYTEA,
            generated BOOLEAN DEFAULT false NOT NULL,
            model TEXT,
            voice TEXT,
            author TEXT,
            licence TEXT,
            attribution_url TEXT,
            position SMALLINT DEFAULT 0 NOT NULL,
            morae JSONB,
            sentence_id UUID,
            user_id UUID,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_audio_files PRIMARY KEY (id),
            CONSTRAINT ck_audio_files_size_bytes_range CHECK (size_bytes >= 0),
            CONSTRAINT ck_audio_files_duration_seconds_range CHECK (duration_seconds >= 0),
            CONSTRAINT ck_audio_files_sample_rate_hertz_range CHECK (sample_rate_hertz > 0),
            CONSTRAINT ck_audio_files_channels_range CHECK (channels > 0),
            CONSTRAINT ck_audio_files_sha256_length CHECK (octet_length(sha256) = 32),
            CONSTRAINT ck_audio_files_generated_has_model CHECK (NOT generated OR model IS NOT NULL),
            CONSTRAINT uq_audio_files_object_key UNIQUE (object_key),
            CONSTRAINT fk_audio_files_sentence_id FOREIGN KEY (sentence_id)
                REFERENCES sentences (id) ON DELETE SET NULL,
            CONSTRAINT fk_audio_files_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX ix_audio_files_sentence_id_position ON audio_files (sentence_id, position)
            WHERE sentence_id IS NOT NULL;
        CREATE INDEX ix_audio_files_user_id_created_at ON audio_files (user_id, created_at) WHERE user_id IS NOT NULL;
        """
    )
    op.execute(
        """
        CREATE TABLE cards (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            sentence_id UUID NOT NULL,
            skill TEXT NOT NULL,
            import_note_guid TEXT,
            import_template SMALLINT,
            new_position BIGINT NOT NULL,
            scheduler TEXT DEFAULT 'fsrs' NOT NULL,
            state TEXT DEFAULT 'new' NOT NULL,
            step SMALLINT,
            due_at timestamptz,
            due_day DATE,
            interval_seconds BIGINT,
            last_review_at timestamptz,
            stability DOUBLE PRECISION,
            difficulty DOUBLE PRECISION,
            ease_factor DOUBLE PRECISION,
            reps INTEGER DEFAULT 0 NOT NULL,
            lapses INTEGER DEFAULT 0 NOT NULL,
            times_correct INTEGER DEFAULT 0 NOT NULL,
            times_incorrect INTEGER DEFAULT 0 NOT NULL,
            current_streak INTEGER DEFAULT 0 NOT NULL,
            best_streak INTEGER DEFAULT 0 NOT NULL,
            timed_answers INTEGER DEFAULT 0 NOT NULL,
            total_response_ms BIGINT DEFAULT 0 NOT NULL,
            leech BOOLEAN DEFAULT false NOT NULL,
            suspended BOOLEAN DEFAULT false NOT NULL,
            buried_until_day DATE,
            sequence BIGINT NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            deleted_at timestamptz,
            CONSTRAINT pk_cards PRIMARY KEY (id),
            CONSTRAINT ck_cards_skill_known CHECK (skill IN ('reading', 'listening', 'speaking')),
            CONSTRAINT ck_cards_scheduler_known CHECK (scheduler IN ('fsrs', 'sm2')),
            CONSTRAINT ck_cards_state_known CHECK (state IN ('new', 'learning', 'review', 'relearning')),
            CONSTRAINT ck_cards_stability_range CHECK (stability > 0),
            CONSTRAINT ck_cards_difficulty_range CHECK (difficulty BETWEEN 1 AND 10),
            CONSTRAINT ck_cards_ease_factor_range CHECK (ease_factor >= 1.3),
            CONSTRAINT ck_cards_import_key_whole CHECK ((import_note_guid IS NULL) = (import_template IS NULL)),
            CONSTRAINT ck_cards_step_range CHECK (step >= 0),
            CONSTRAINT ck_cards_interval_seconds_range CHECK (interval_seconds >= 0),
            CONSTRAINT ck_cards_reps_range CHECK (reps >= 0),
            CONSTRAINT ck_cards_lapses_range CHECK (lapses >= 0),
            CONSTRAINT ck_cards_times_correct_range CHECK (times_correct >= 0),
            CONSTRAINT ck_cards_times_incorrect_range CHECK (times_incorrect >= 0),
            CONSTRAINT ck_cards_current_streak_range CHECK (current_streak >= 0),
            CONSTRAINT ck_cards_best_streak_range CHECK (best_streak >= 0),
            CONSTRAINT ck_cards_timed_answers_range CHECK (timed_answers >= 0),
            CONSTRAINT ck_cards_total_response_ms_range CHECK (total_response_ms >= 0),
            CONSTRAINT uq_cards_user_id_id UNIQUE (user_id, id),
            CONSTRAINT fk_cards_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT fk_cards_sentence_id FOREIGN KEY (sentence_id) REFERENCES sentences (id)
        );
        CREATE INDEX ix_cards_sentence_id ON cards (sentence_id);
        CREATE INDEX ix_cards_user_id_new_position_id ON cards (user_id, new_position, id)
            WHERE state = 'new' AND NOT suspended AND deleted_at IS NULL;
        CREATE INDEX ix_cards_user_id_sequence ON cards (user_id, sequence);
        CREATE INDEX ix_cards_user_id_state_due_at_id ON cards (user_id, state, due_at, id)
            WHERE state <> 'new' AND NOT suspended AND deleted_at IS NULL;
        CREATE UNIQUE INDEX uq_cards_import_key ON cards (user_id, import_note_guid, import_template)
            WHERE import_note_guid IS NOT NULL;
        CREATE UNIQUE INDEX uq_cards_skill ON cards (user_id, sentence_id, skill)
            WHERE import_note_guid IS NULL AND deleted_at IS NULL;
        """
    )
    op.execute(
        """
        CREATE TABLE refresh_tokens (
            id UUID NOT NULL,
            session_id UUID NOT NULL,
            token_hash BYTEA NOT NULL,
            issued_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            used_request_id UUID,
            replaced_by UUID,
            CONSTRAINT pk_refresh_tokens PRIMARY KEY (id),
            CONSTRAINT ck_refresh_tokens_token_hash_sha256 CHECK (octet_length(token_hash) = 32),
            CONSTRAINT fk_refresh_tokens_session_id FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE,
            CONSTRAINT uq_refresh_tokens_token_hash UNIQUE (token_hash),
            CONSTRAINT fk_refresh_tokens_replaced_by FOREIGN KEY (replaced_by)
                REFERENCES refresh_tokens (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_refresh_tokens_expires_at ON refresh_tokens (expires_at);
        CREATE INDEX ix_refresh_tokens_replaced_by ON refresh_tokens (replaced_by) WHERE replaced_by IS NOT NULL;
        CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id);
        """
    )
    op.execute(
        """
        CREATE TABLE speaking_sessions (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            sentence_id UUID,
            title TEXT DEFAULT '' NOT NULL,
            purpose TEXT DEFAULT 'practice' NOT NULL,
            started_at timestamptz NOT NULL,
            ended_at timestamptz,
            CONSTRAINT pk_speaking_sessions PRIMARY KEY (id),
            CONSTRAINT ck_speaking_sessions_ends_after_start CHECK (ended_at >= started_at),
            CONSTRAINT ck_speaking_sessions_purpose_known CHECK (purpose IN ('practice', 'review')),
            CONSTRAINT fk_speaking_sessions_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT fk_speaking_sessions_sentence_id FOREIGN KEY (sentence_id)
                REFERENCES sentences (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_speaking_sessions_sentence_id ON speaking_sessions (sentence_id) WHERE sentence_id IS NOT NULL;
        CREATE INDEX ix_speaking_sessions_user_id_started_at_id ON speaking_sessions (user_id, started_at, id);
        """
    )
    op.execute(
        """
        CREATE TABLE attempts (
            id UUID NOT NULL,
            practice_id UUID NOT NULL,
            user_id UUID NOT NULL,
            sentence_id UUID,
            speaking_session_id UUID,
            card_id UUID,
            audio_file_id UUID,
            purpose TEXT DEFAULT 'practice' NOT NULL,
            fingerprint TEXT NOT NULL,
            reference_text TEXT DEFAULT '' NOT NULL,
            accepted_answers TEXT[] DEFAULT '{}' NOT NULL,
            attempt_number INTEGER DEFAULT 0 NOT NULL,
            audio_seconds DOUBLE PRECISION NOT NULL,
            transcript TEXT DEFAULT '' NOT NULL,
            reading TEXT DEFAULT '' NOT NULL,
            language TEXT DEFAULT '' NOT NULL,
            segments JSONB,
            confidence DOUBLE PRECISION,
            overall DOUBLE PRECISION,
            accuracy DOUBLE PRECISION,
            fluency DOUBLE PRECISION,
            completeness DOUBLE PRECISION,
            prosody DOUBLE PRECISION,
            assessable BOOLEAN,
            unassessable_reason TEXT,
            word_scores JSONB,
            analysis JSONB,
            past_assessments JSONB,
            recipe TEXT,
            acoustic_model TEXT,
            speech_model TEXT,
            analyzer TEXT,
            assessed_at timestamptz,
            suggested_rating SMALLINT,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            deleted_at timestamptz,
            CONSTRAINT pk_attempts PRIMARY KEY (id),
            CONSTRAINT ck_attempts_purpose_known CHECK (purpose IN ('practice', 'review')),
            CONSTRAINT ck_attempts_attempt_number_range CHECK (attempt_number >= 0),
            CONSTRAINT ck_attempts_audio_seconds_range CHECK (audio_seconds >= 0),
            CONSTRAINT ck_attempts_confidence_range CHECK (confidence BETWEEN 0 AND 1),
            CONSTRAINT ck_attempts_overall_range CHECK (overall BETWEEN 0 AND 100),
            CONSTRAINT ck_attempts_accuracy_range CHECK (accuracy BETWEEN 0 AND 100),
            CONSTRAINT ck_attempts_fluency_range CHECK (fluency BETWEEN 0 AND 100),
            CONSTRAINT ck_attempts_completeness_range CHECK (completeness BETWEEN 0 AND 100),
            CONSTRAINT ck_attempts_prosody_range CHECK (prosody BETWEEN 0 AND 100),
            CONSTRAINT ck_attempts_suggested_rating_range CHECK (suggested_rating BETWEEN 1 AND 4),
            CONSTRAINT ck_attempts_unassessable_has_reason
                CHECK ((assessable IS FALSE) = (unassessable_reason IS NOT NULL)),
            CONSTRAINT fk_attempts_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT fk_attempts_sentence_id FOREIGN KEY (sentence_id) REFERENCES sentences (id) ON DELETE SET NULL,
            CONSTRAINT fk_attempts_speaking_session_id FOREIGN KEY (speaking_session_id)
                REFERENCES speaking_sessions (id) ON DELETE SET NULL,
            CONSTRAINT fk_attempts_card_id FOREIGN KEY (card_id) REFERENCES cards (id) ON DELETE SET NULL,
            CONSTRAINT fk_attempts_audio_file_id FOREIGN KEY (audio_file_id)
                REFERENCES audio_files (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_attempts_audio_file_id ON attempts (audio_file_id) WHERE audio_file_id IS NOT NULL;
        CREATE INDEX ix_attempts_card_id ON attempts (card_id) WHERE card_id IS NOT NULL;
        CREATE INDEX ix_attempts_sentence_id_user_id ON attempts (sentence_id, user_id) WHERE sentence_id IS NOT NULL;
        CREATE INDEX ix_attempts_speaking_session_id ON attempts (speaking_session_id)
            WHERE speaking_session_id IS NOT NULL;
        CREATE INDEX ix_attempts_user_id_created_at_id ON attempts (user_id, created_at, id);
        CREATE UNIQUE INDEX uq_attempts_practice_id ON attempts (user_id, practice_id);
        """
    )
    op.execute(
        """
        CREATE TABLE reviews (
            user_id UUID NOT NULL,
            id UUID NOT NULL,
            card_id UUID NOT NULL,
            kind TEXT NOT NULL,
            rating SMALLINT,
            client_time timestamptz NOT NULL,
            effective_at timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            time_taken_ms INTEGER,
            rating_source TEXT,
            attempt_id UUID,
            suggested_rating SMALLINT,
            imported BOOLEAN DEFAULT false NOT NULL,
            scheduler TEXT NOT NULL,
            scheduler_version TEXT NOT NULL,
            state_before TEXT NOT NULL,
            given_state TEXT NOT NULL,
            given_step SMALLINT,
            given_interval_seconds BIGINT,
            given_due_at timestamptz,
            given_due_day DATE,
            given_stability DOUBLE PRECISION,
            given_difficulty DOUBLE PRECISION,
            given_ease_factor DOUBLE PRECISION,
            retrievability_before DOUBLE PRECISION,
            reached_leech_threshold BOOLEAN DEFAULT false NOT NULL,
            suspended_card BOOLEAN DEFAULT false NOT NULL,
            buried_card_ids UUID[] DEFAULT '{}' NOT NULL,
            undone_at timestamptz,
            sequence BIGINT NOT NULL,
            CONSTRAINT pk_reviews PRIMARY KEY (user_id, id),
            CONSTRAINT fk_reviews_user_id_card_id FOREIGN KEY (user_id, card_id)
                REFERENCES cards (user_id, id) ON DELETE CASCADE,
            CONSTRAINT ck_reviews_kind_known
                CHECK (kind IN ('learning', 'review', 'relearning', 'filtered', 'manual', 'rescheduled')),
            CONSTRAINT ck_reviews_rating_range CHECK (rating BETWEEN 1 AND 4),
            CONSTRAINT ck_reviews_answer_has_rating CHECK ((rating IS NULL) = (kind IN ('manual', 'rescheduled'))),
            CONSTRAINT ck_reviews_scheduler_known CHECK (scheduler IN ('fsrs', 'sm2')),
            CONSTRAINT ck_reviews_rating_source_known CHECK (rating_source IN ('learner', 'practice')),
            CONSTRAINT ck_reviews_suggested_rating_range CHECK (suggested_rating BETWEEN 1 AND 4),
            CONSTRAINT ck_reviews_state_before_known
                CHECK (state_before IN ('new', 'learning', 'review', 'relearning')),
            CONSTRAINT ck_reviews_given_state_known CHECK (given_state IN ('new', 'learning', 'review', 'relearning')),
            CONSTRAINT ck_reviews_retrievability_before_range CHECK (retrievability_before BETWEEN 0 AND 1),
            CONSTRAINT ck_reviews_time_taken_ms_range CHECK (time_taken_ms >= 0),
            CONSTRAINT ck_reviews_given_interval_seconds_range CHECK (given_interval_seconds >= 0),
            CONSTRAINT fk_reviews_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
            CONSTRAINT fk_reviews_attempt_id FOREIGN KEY (attempt_id) REFERENCES attempts (id) ON DELETE SET NULL
        );
        CREATE INDEX ix_reviews_attempt_id ON reviews (attempt_id) WHERE attempt_id IS NOT NULL;
        CREATE INDEX ix_reviews_user_id_card_id_effective_at_id ON reviews (user_id, card_id, effective_at, id);
        CREATE INDEX ix_reviews_user_id_effective_at ON reviews (user_id, effective_at);
        CREATE INDEX ix_reviews_user_id_sequence ON reviews (user_id, sequence);
        """
    )


def downgrade() -> None:
    # The extension stays: it may not be ours alone.
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
