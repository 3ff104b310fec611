-- name: control_present
-- Returns 1 if the table etl_control exists, and 0 if the control tables were
-- never created in the schema $1.
SELECT pg_catalog.count(*)
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = 'etl_control'

-- name: control_schema_present
-- Returns 1 if the schema $1 exists, else 0.
SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1

-- name: control_owners
-- Finds the schema of the control tables and checks the owners of the tables.
-- Returns one row: the schema (NULL if it does not exist), and whether it has
-- the table etl_control. If one of the control tables must not be used, the row
-- also has the name of this table, 1 if a trigger is the reason, and the role
-- to which the table or the function of the trigger belongs.
-- The schema is $1. If $1 is NULL, it is the first schema of the search path
-- that has the table etl_control, else the first schema of the path.
-- A table must belong to the current role, to a role of which it is a member,
-- or to the owner of the database. pg_has_role() alone cannot check this,
-- because for a superuser it is true for every role. Only the owner of a table
-- can give it rules, policies or defaults. But another role can create a
-- trigger if it has the privilege TRIGGER, so the function of each trigger is
-- checked, too.
WITH RECURSIVE home AS (
    SELECT n.oid, n.nspname
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = coalesce($1, (
        SELECT h.nspname
        FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS h ON h.oid = c.relnamespace
        WHERE c.oid = pg_catalog.to_regclass('etl_control')::oid
    ), pg_catalog.current_schema())
), member AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
    UNION
    SELECT a.roleid
    FROM pg_catalog.pg_auth_members AS a JOIN member AS m ON m.oid = a.member
), trusted AS (
    SELECT m.oid FROM member AS m WHERE pg_catalog.pg_has_role(m.oid, 'USAGE')
    UNION
    SELECT d.datdba FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database()
), control AS (
    SELECT c.oid, c.relname, c.relowner
    FROM pg_catalog.pg_class AS c JOIN home AS h ON h.oid = c.relnamespace
    WHERE c.relname IN ('etl_control', 'pipeline_runs', 'dead_letters',
            'dead_letter_attempts', 'etl_checkpoints', 'etl_loads',
            'etl_files', 'etl_before', 'etl_before_runs', 'etl_scopes')
), refused AS (
    SELECT c.relname, 0 AS has_trigger, c.relowner AS owner
    FROM control AS c
    WHERE c.relowner NOT IN (SELECT t.oid FROM trusted AS t)
    UNION ALL
    SELECT c.relname, 1, f.proowner
    FROM control AS c
        JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid
        JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
    WHERE NOT g.tgisinternal AND n.nspname <> 'pg_catalog'
        AND f.proowner NOT IN (SELECT t.oid FROM trusted AS t)
)
SELECT h.nspname,
    EXISTS (SELECT FROM control AS c WHERE c.relname = 'etl_control'),
    r.relname, r.has_trigger, pg_catalog.pg_get_userbyid(r.owner)
FROM (SELECT) AS one LEFT JOIN home AS h ON true LEFT JOIN refused AS r ON true
ORDER BY r.has_trigger, r.relname
LIMIT 1

-- name: control_version
-- Reads the version of the control tables (pipeline_runs, dead_letters and the
-- other tables that control_1 creates).
SELECT version FROM {schema}.etl_control

-- name: control_lock
-- Lets one session at a time create or migrate the control tables. The number
-- of the lock is "etl" in ASCII. Any role can take this lock and keep it, so
-- the wait has a limit: 60 seconds.
SELECT pg_catalog.count(CASE
    WHEN pg_catalog.set_config('lock_timeout', '60s', true) IS NOT NULL
    THEN pg_catalog.pg_advisory_xact_lock(6648940)::text END)

-- name: control_1
-- Creates the control tables, version 1.
CREATE TABLE {schema}.etl_control (version integer NOT NULL);

CREATE TABLE {schema}.pipeline_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'success',
        'failed', 'skipped', 'abandoned')),
    records_extracted bigint NOT NULL DEFAULT 0,
    records_loaded bigint NOT NULL DEFAULT 0,
    -- rejected records, plus 1 if the run did not succeed
    errors bigint NOT NULL DEFAULT 0,
    error_message text,
    pipeline text NOT NULL,
    run text NOT NULL UNIQUE,
    attempt integer NOT NULL DEFAULT 1,
    retry_of text,
    renewed_at timestamptz NOT NULL,
    dropped bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    host text,
    stages json,
    traceparent text
);
CREATE INDEX pipeline_runs_pipeline ON {schema}.pipeline_runs (pipeline, id);
CREATE INDEX pipeline_runs_running ON {schema}.pipeline_runs (pipeline)
    WHERE status = 'running';

CREATE TABLE {schema}.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_run_id bigint REFERENCES {schema}.pipeline_runs ON DELETE SET NULL,
    raw_data jsonb,
    error_message text NOT NULL,
    created_at timestamptz NOT NULL,
    reject_id text COLLATE "C" NOT NULL UNIQUE,
    pipeline text,
    run text,
    stage text NOT NULL,
    code text NOT NULL,
    pointer text,
    origin json,
    sqlstate text,
    http_status integer,
    retryable boolean NOT NULL DEFAULT false,
    raw bytea NOT NULL,
    -- length of a record longer than --max-record, of which raw holds only
    -- the start; else NULL
    bytes bigint,
    sha256 text,
    attempts bigint NOT NULL DEFAULT 0,
    last_seen_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'resolved', 'discarded')),
    resolved_upto bigint NOT NULL DEFAULT 0,
    resolved_at timestamptz,
    resolved_by_run text,
    reason text
);
CREATE INDEX dead_letters_status ON {schema}.dead_letters (status, stage, id);

CREATE TABLE {schema}.dead_letter_attempts (
    dead_letter_id bigint NOT NULL REFERENCES {schema}.dead_letters
        ON DELETE CASCADE,
    occurrence text COLLATE "C" NOT NULL PRIMARY KEY,
    pipeline_run_id bigint REFERENCES {schema}.pipeline_runs ON DELETE SET NULL,
    at timestamptz NOT NULL,
    message text NOT NULL
);
CREATE INDEX dead_letter_attempts_letter
    ON {schema}.dead_letter_attempts (dead_letter_id);

CREATE TABLE {schema}.etl_checkpoints (
    name text NOT NULL PRIMARY KEY,
    value text,
    version bigint NOT NULL,
    seq bigint,
    run text,
    updated_at timestamptz NOT NULL
);

CREATE TABLE {schema}.etl_loads (
    stream_id text NOT NULL,
    target text NOT NULL,
    run text,
    batch bigint NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    ended boolean NOT NULL DEFAULT false,
    taken boolean NOT NULL DEFAULT false,
    counts json,
    -- true: the loader appended rows without a checkpoint, so a second load
    -- of the same records would append them a second time
    appends boolean NOT NULL DEFAULT false,
    PRIMARY KEY (stream_id, target)
);
CREATE INDEX etl_loads_run ON {schema}.etl_loads (run);

INSERT INTO {schema}.etl_control VALUES (1);

-- name: control_2
-- Migrates the control tables from version 1 to version 2.
ALTER TABLE {schema}.pipeline_runs ADD COLUMN log text;

-- The time at which etl-dlq erase removed the record of a dead letter.
ALTER TABLE {schema}.dead_letters ADD COLUMN erased_at timestamptz;

-- Indexes for reading dead letters in pages, the oldest first.
DROP INDEX {schema}.dead_letters_status;
CREATE INDEX dead_letters_status
    ON {schema}.dead_letters (status, created_at, id);
CREATE INDEX dead_letters_order ON {schema}.dead_letters (created_at, id);
DROP INDEX {schema}.dead_letter_attempts_letter;
CREATE INDEX dead_letter_attempts_letter
    ON {schema}.dead_letter_attempts (dead_letter_id, at, occurrence);
CREATE INDEX dead_letter_attempts_run
    ON {schema}.dead_letter_attempts (pipeline_run_id)
    WHERE pipeline_run_id IS NOT NULL;

UPDATE {schema}.etl_control SET version = 2;

-- name: control_3
-- Migrates the control tables from version 2 to version 3.
-- How many rejects of a stream were stored as dead letters or written to a file
-- or to descriptor 3. NULL: the loader of version 2 did not count them.
ALTER TABLE {schema}.etl_loads ADD COLUMN kept bigint;
-- The absolute path of the run's script; NULL for a run of -c or of standard
-- input, and for a run of an etl that had tables of version 2.
ALTER TABLE {schema}.pipeline_runs ADD COLUMN script text;
-- The boot of the machine and the lock folder of the run's etl-run. NULL: not
-- known, or a run of version 2.
ALTER TABLE {schema}.pipeline_runs ADD COLUMN machine text;
-- The name of the stream, and the table of the loader that rejected the record.
-- NULL: none, or the letter was stored by an etl that had tables of version 2.
ALTER TABLE {schema}.dead_letters ADD COLUMN stream text;
ALTER TABLE {schema}.dead_letters ADD COLUMN target text;

-- number: the occurrences of a letter are numbered in the order in which they
-- came. raw: the bytes of an occurrence; NULL if they are those of the letter.
ALTER TABLE {schema}.dead_letter_attempts
    ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE {schema}.dead_letter_attempts ADD COLUMN raw bytea;
DROP INDEX {schema}.dead_letter_attempts_letter;
CREATE INDEX dead_letter_attempts_letter
    ON {schema}.dead_letter_attempts (dead_letter_id, number);
CREATE INDEX dead_letter_attempts_raw
    ON {schema}.dead_letter_attempts (dead_letter_id, number)
    WHERE raw IS NOT NULL;

UPDATE {schema}.etl_control SET version = 3;

-- name: control_4
-- Migrates the control tables from version 3 to version 4.
-- The files that etl-extract --new-files has finished (status done) or has
-- found broken (status failed). sha256 is the hash of their first `size` bytes,
-- or NULL if it was not needed.
CREATE TABLE {schema}.etl_files (
    name text NOT NULL,
    path text NOT NULL,
    size bigint NOT NULL,
    mtime text NOT NULL,
    sha256 text,
    run text,
    status text NOT NULL CHECK (status IN ('done', 'failed')),
    PRIMARY KEY (name, path)
);

-- The ETag or Last-Modified value of the first page that etl-extract
-- --conditional has read, as JSON: {"URL":{"etag":"..."}}. NULL: none.
ALTER TABLE {schema}.etl_checkpoints ADD COLUMN validators text;

UPDATE {schema}.etl_control SET version = 4;

-- name: control_5
-- Migrates the control tables from version 4 to version 5.
-- The runs whose changes of a table etl-load --keep-before has kept. There is a
-- row for each stream that the run has loaded into the table. columns and
-- key_columns are JSON arrays: the names of the columns in the images of
-- etl_before. checkpoint is the name of the stream's checkpoint, value the
-- value that it had before the run, and version its version after the run.
-- whole is true if the run has loaded the stream from its begin. status is
-- undone if --undo has undone the run, and dropped while the images are being
-- deleted.
CREATE TABLE {schema}.etl_before_runs (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text COLLATE "C" NOT NULL,
    target text NOT NULL,
    stream_id text NOT NULL,
    at timestamptz NOT NULL,
    columns text NOT NULL,
    key_columns text NOT NULL,
    checkpoint text,
    value text,
    version bigint NOT NULL,
    whole boolean NOT NULL,
    status text NOT NULL DEFAULT 'kept'
        CHECK (status IN ('kept', 'undone', 'dropped')),
    UNIQUE (run, target, stream_id)
);
CREATE INDEX etl_before_runs_target
    ON {schema}.etl_before_runs (target, number);

-- The images: a row for each row of the table that the run has changed. key,
-- before and after are JSON arrays of the values of the columns as texts: the
-- key, the row before the run (NULL: there was none) and the row after it
-- (NULL: it was deleted). disturbed is true if another session has changed the
-- row between two batches of the run.
CREATE TABLE {schema}.etl_before (
    run text COLLATE "C" NOT NULL,
    target text NOT NULL,
    key text NOT NULL,
    before text,
    after text,
    disturbed boolean NOT NULL DEFAULT false
);
-- A key may be longer than an entry of an index.
CREATE UNIQUE INDEX etl_before_key
    ON {schema}.etl_before (run, target, pg_catalog.md5(key));

UPDATE {schema}.etl_control SET version = 5;

-- name: control_6
-- Migrates the control tables from version 5 to version 6.
-- The etl-run that executes the run: its process id, the time at which that
-- process started (in clock ticks since the boot), the namespace of the process
-- id, the id of the boot of the kernel, and a hash of /etc/machine-id. pid is
-- NULL for a run of version 5, the others also if they are not known.
ALTER TABLE {schema}.pipeline_runs ADD COLUMN pid bigint;
ALTER TABLE {schema}.pipeline_runs ADD COLUMN pid_started bigint;
ALTER TABLE {schema}.pipeline_runs ADD COLUMN pid_namespace text;
ALTER TABLE {schema}.pipeline_runs ADD COLUMN boot text;
ALTER TABLE {schema}.pipeline_runs ADD COLUMN host_id text;
-- A pipeline has one run in status running. Runs of version 5 do not count:
-- several of them may be in this status.
CREATE UNIQUE INDEX pipeline_runs_lease ON {schema}.pipeline_runs (pipeline)
    WHERE status = 'running' AND pid IS NOT NULL;

UPDATE {schema}.etl_control SET version = 6;

-- name: control_7
-- Migrates the control tables from version 6 to version 7.
-- The scopes that etl-load --mode delete-insert has replaced in the table
-- target. scope is the id of a scope. In the row whose scope is empty, version
-- grows by 1 for each scope that a load replaces. In the row of a scope it has
-- the value that it had there after the last load that replaced the scope.
CREATE TABLE {schema}.etl_scopes (
    target text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (target, scope)
);

UPDATE {schema}.etl_control SET version = 7;

-- name: control_taken
-- Returns the name of a control table that exists in the schema $1, or no row.
SELECT c.relname::text
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1
    AND c.relname IN ('pipeline_runs', 'dead_letters', 'dead_letter_attempts',
        'etl_checkpoints', 'etl_loads', 'etl_files', 'etl_before',
        'etl_before_runs', 'etl_scopes')
ORDER BY c.relname
LIMIT 1

-- name: control_limit_idle
-- Ends the transaction of a client that sends nothing for 60 seconds. Without
-- this limit a client that hangs before its COMMIT could keep its locks for
-- hours.
SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true)
