-- SQLite and PostgreSQL both read this file.  Only the type of the generated
-- id differs.  PostgreSQL nests comments and SQLite does not: PostgreSQL reads
-- "bigint GENERATED ...", SQLite reads "INTEGER" and ignores the rest of the
-- line.
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
