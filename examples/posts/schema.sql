-- One text for SQLite and PostgreSQL.  Only the generated id differs, and
-- there the two are told apart by a comment: PostgreSQL nests them, so it
-- reads "bigint ...", while SQLite reads "INTEGER" and skips the line's rest.
CREATE TABLE IF NOT EXISTS user_activities (
    id            /* /* */ INTEGER -- */ bigint GENERATED ALWAYS AS IDENTITY
                  PRIMARY KEY,
    user_id       bigint NOT NULL,
    post_id       bigint NOT NULL,
    activity_type text NOT NULL,
    title         text NOT NULL,
    body          text NOT NULL,
    word_count    integer NOT NULL,
    extracted_at  timestamptz NOT NULL,
    loaded_at     timestamptz NOT NULL,
    UNIQUE (user_id, post_id, activity_type)
);
CREATE INDEX IF NOT EXISTS user_activities_user_id
    ON user_activities (user_id);
