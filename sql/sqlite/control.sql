-- name: control_present
-- Returns 1 if the table etl_control exists, and 0 if the control tables were
-- never created.
SELECT count(*) FROM sqlite_schema WHERE name = 'etl_control'

-- name: control_version
-- Reads the version of the control tables (pipeline_runs, dead_letters and the
-- other tables that control_1 creates).
SELECT version FROM etl_control

-- name: control_lock
-- Lets one session at a time create or migrate the control tables. On SQLite
-- this statement does nothing: BEGIN IMMEDIATE has locked the whole database.
SELECT 1

-- name: control_1
-- Creates the control tables, version 1.
CREATE TABLE etl_control (version INTEGER NOT NULL);

CREATE TABLE pipeline_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at TEXT NOT NULL,
    completed_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'success',
        'failed', 'skipped', 'abandoned')),
    records_extracted INTEGER NOT NULL DEFAULT 0,
    records_loaded INTEGER NOT NULL DEFAULT 0,
    -- rejected records, plus 1 if the run did not succeed
    errors INTEGER NOT NULL DEFAULT 0,
    error_message TEXT,
    pipeline TEXT NOT NULL,
    run TEXT NOT NULL UNIQUE,
    attempt INTEGER NOT NULL DEFAULT 1,
    retry_of TEXT,
    renewed_at TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    unchanged INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    host TEXT,
    stages TEXT CHECK (stages IS NULL OR json_valid(stages)),
    traceparent TEXT
);
CREATE INDEX pipeline_runs_pipeline ON pipeline_runs (pipeline, id);
CREATE INDEX pipeline_runs_running ON pipeline_runs (pipeline)
    WHERE status = 'running';

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER REFERENCES pipeline_runs ON DELETE SET NULL,
    raw_data TEXT,
    error_message TEXT NOT NULL,
    created_at TEXT NOT NULL,
    reject_id TEXT NOT NULL UNIQUE,
    pipeline TEXT,
    run TEXT,
    stage TEXT NOT NULL,
    code TEXT NOT NULL,
    pointer TEXT,
    origin TEXT,
    sqlstate TEXT,
    http_status INTEGER,
    retryable INTEGER NOT NULL DEFAULT 0,
    raw BLOB NOT NULL,
    -- length of a record longer than --max-record, of which raw holds only
    -- the start; else NULL
    bytes INTEGER,
    sha256 TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_seen_at TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'resolved', 'discarded')),
    resolved_upto INTEGER NOT NULL DEFAULT 0,
    resolved_at TEXT,
    resolved_by_run TEXT,
    reason TEXT
);
CREATE INDEX dead_letters_status ON dead_letters (status, stage, id);

CREATE TABLE dead_letter_attempts (
    dead_letter_id INTEGER NOT NULL REFERENCES dead_letters ON DELETE CASCADE,
    occurrence TEXT NOT NULL PRIMARY KEY,
    pipeline_run_id INTEGER REFERENCES pipeline_runs ON DELETE SET NULL,
    at TEXT NOT NULL,
    message TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX dead_letter_attempts_letter
    ON dead_letter_attempts (dead_letter_id);

CREATE TABLE etl_checkpoints (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT,
    version INTEGER NOT NULL,
    seq INTEGER,
    run TEXT,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE etl_loads (
    stream_id TEXT NOT NULL,
    target TEXT NOT NULL,
    run TEXT,
    batch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0,
    taken INTEGER NOT NULL DEFAULT 0,
    counts TEXT CHECK (counts IS NULL OR json_valid(counts)),
    -- true: the loader appended rows without a checkpoint, so a second load
    -- of the same records would append them a second time
    appends INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream_id, target)
) WITHOUT ROWID;
CREATE INDEX etl_loads_run ON etl_loads (run);

INSERT INTO etl_control VALUES (1);

-- name: control_2
-- Migrates the control tables from version 1 to version 2.
ALTER TABLE pipeline_runs ADD COLUMN log TEXT;

-- The time at which etl-dlq erase removed the record of a dead letter.
ALTER TABLE dead_letters ADD COLUMN erased_at TEXT;

-- Write all times with six digits after the seconds, so that sorting them as
-- texts sorts them by time.
UPDATE dead_letters SET
    created_at = substr(rtrim(created_at, 'Z') || CASE instr(created_at, '.')
        WHEN 0 THEN '.' ELSE '' END || '000000', 1, 26) || 'Z',
    last_seen_at = substr(rtrim(last_seen_at, 'Z') ||
        CASE instr(last_seen_at, '.') WHEN 0 THEN '.' ELSE '' END ||
        '000000', 1, 26) || 'Z',
    resolved_at = substr(rtrim(resolved_at, 'Z') || '000000', 1, 26) || 'Z'
WHERE length(created_at) <> 27 OR length(last_seen_at) <> 27
    OR length(resolved_at) <> 27;
UPDATE dead_letter_attempts SET
    at = substr(rtrim(at, 'Z') || CASE instr(at, '.')
        WHEN 0 THEN '.' ELSE '' END || '000000', 1, 26) || 'Z'
WHERE length(at) <> 27;

-- Indexes for reading dead letters in pages, the oldest first.
DROP INDEX dead_letters_status;
CREATE INDEX dead_letters_status ON dead_letters (status, created_at, id);
CREATE INDEX dead_letters_order ON dead_letters (created_at, id);
DROP INDEX dead_letter_attempts_letter;
CREATE INDEX dead_letter_attempts_letter
    ON dead_letter_attempts (dead_letter_id, at, occurrence);
CREATE INDEX dead_letter_attempts_run ON dead_letter_attempts (pipeline_run_id)
    WHERE pipeline_run_id IS NOT NULL;

UPDATE etl_control SET version = 2;

-- name: control_3
-- Migrates the control tables from version 2 to version 3.
-- How many rejects of a stream were stored as dead letters or written to a file
-- or to descriptor 3. NULL: the loader of version 2 did not count them.
ALTER TABLE etl_loads ADD COLUMN kept INTEGER;
-- The absolute path of the run's script; NULL for a run of -c or of standard
-- input, and for a run of an etl that had tables of version 2.
ALTER TABLE pipeline_runs ADD COLUMN script TEXT;
-- The boot of the machine and the lock folder of the run's etl-run. NULL: not
-- known, or a run of version 2.
ALTER TABLE pipeline_runs ADD COLUMN machine TEXT;
-- The name of the stream, and the table of the loader that rejected the record.
-- NULL: none, or the letter was stored by an etl that had tables of version 2.
ALTER TABLE dead_letters ADD COLUMN stream TEXT;
ALTER TABLE dead_letters ADD COLUMN target TEXT;

-- number: the occurrences of a letter are numbered in the order in which they
-- came. raw: the bytes of an occurrence; NULL if they are those of the letter.
-- SQLite cannot add the column number, which is a primary key, to a table. So
-- the table is created again. It is not renamed, because SQLite refuses that if
-- a view of the user reads the table.
CREATE TABLE dead_letter_attempts_2 AS
SELECT dead_letter_id, occurrence, pipeline_run_id, at, message
FROM dead_letter_attempts;
DROP TABLE dead_letter_attempts;
CREATE TABLE dead_letter_attempts (
    dead_letter_id INTEGER NOT NULL REFERENCES dead_letters ON DELETE CASCADE,
    occurrence TEXT NOT NULL UNIQUE,
    pipeline_run_id INTEGER REFERENCES pipeline_runs ON DELETE SET NULL,
    at TEXT NOT NULL,
    message TEXT NOT NULL,
    number INTEGER PRIMARY KEY,
    raw BLOB
);
INSERT INTO dead_letter_attempts (dead_letter_id, occurrence,
    pipeline_run_id, at, message)
SELECT d.id, a.occurrence, r.id, a.at, a.message
FROM dead_letter_attempts_2 AS a
    -- A user may have deleted letters or runs with the sqlite3 shell, which
    -- does not check foreign keys.
    JOIN dead_letters AS d ON d.id = a.dead_letter_id
    LEFT JOIN pipeline_runs AS r ON r.id = a.pipeline_run_id
ORDER BY a.dead_letter_id, a.at, a.occurrence;
DROP TABLE dead_letter_attempts_2;
CREATE INDEX dead_letter_attempts_letter
    ON dead_letter_attempts (dead_letter_id, number);
CREATE INDEX dead_letter_attempts_raw
    ON dead_letter_attempts (dead_letter_id, number) WHERE raw IS NOT NULL;
CREATE INDEX dead_letter_attempts_run ON dead_letter_attempts (pipeline_run_id)
    WHERE pipeline_run_id IS NOT NULL;

UPDATE etl_control SET version = 3;

-- name: control_4
-- Migrates the control tables from version 3 to version 4.
-- The files that etl-extract --new-files has finished (status done) or has
-- found broken (status failed). sha256 is the hash of their first `size` bytes,
-- or NULL if it was not needed.
CREATE TABLE etl_files (
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime TEXT NOT NULL,
    sha256 TEXT,
    run TEXT,
    status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    PRIMARY KEY (name, path)
) WITHOUT ROWID;

-- The ETag or Last-Modified value of the first page that etl-extract
-- --conditional has read, as JSON: {"URL":{"etag":"..."}}. NULL: none.
ALTER TABLE etl_checkpoints ADD COLUMN validators TEXT;

UPDATE etl_control SET version = 4;

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
CREATE TABLE etl_before_runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    target TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    at TEXT NOT NULL,
    columns TEXT NOT NULL,
    key_columns TEXT NOT NULL,
    checkpoint TEXT,
    value TEXT,
    version INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'kept'
        CHECK (status IN ('kept', 'undone', 'dropped')),
    UNIQUE (run, target, stream_id)
);
CREATE INDEX etl_before_runs_target
    ON etl_before_runs (target, number);

-- The images: a row for each row of the table that the run has changed. key,
-- before and after are JSON arrays of the values of the columns as texts: the
-- key, the row before the run (NULL: there was none) and the row after it
-- (NULL: it was deleted). disturbed is true if another session has changed the
-- row between two batches of the run.
CREATE TABLE etl_before (
    run TEXT NOT NULL,
    target TEXT NOT NULL,
    key TEXT NOT NULL,
    before TEXT,
    after TEXT,
    disturbed INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX etl_before_key ON etl_before (run, target, key);

UPDATE etl_control SET version = 5;

-- name: control_6
-- Migrates the control tables from version 5 to version 6.
-- The etl-run that executes the run: its process id, the time at which that
-- process started (in clock ticks since the boot), the namespace of the process
-- id, the id of the boot of the kernel, and a hash of /etc/machine-id. pid is
-- NULL for a run of version 5, the others also if they are not known.
ALTER TABLE pipeline_runs ADD COLUMN pid INTEGER;
ALTER TABLE pipeline_runs ADD COLUMN pid_started INTEGER;
ALTER TABLE pipeline_runs ADD COLUMN pid_namespace TEXT;
ALTER TABLE pipeline_runs ADD COLUMN boot TEXT;
ALTER TABLE pipeline_runs ADD COLUMN host_id TEXT;
-- A pipeline has one run in status running. Runs of version 5 do not count:
-- several of them may be in this status.
CREATE UNIQUE INDEX pipeline_runs_lease ON pipeline_runs (pipeline)
    WHERE status = 'running' AND pid IS NOT NULL;

UPDATE etl_control SET version = 6;

-- name: control_7
-- Migrates the control tables from version 6 to version 7.
-- The scopes that etl-load --mode delete-insert has replaced in the table
-- target. scope is the id of a scope. In the row whose scope is empty, version
-- grows by 1 for each scope that a load replaces. In the row of a scope it has
-- the value that it had there after the last load that replaced the scope.
CREATE TABLE etl_scopes (
    target TEXT NOT NULL,
    scope TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (target, scope)
) WITHOUT ROWID;

UPDATE etl_control SET version = 7;

-- name: control_taken
-- Returns the name of a control table that exists, or no row.
SELECT name FROM sqlite_schema
WHERE name COLLATE NOCASE IN ('pipeline_runs', 'dead_letters',
    'dead_letter_attempts', 'etl_checkpoints', 'etl_loads', 'etl_files',
    'etl_before', 'etl_before_runs', 'etl_scopes')
ORDER BY name
LIMIT 1

-- name: control_limit_idle
-- Limits how long a silent client keeps the locks of its transaction. On SQLite
-- this statement does nothing: the locks of a process end when it exits.
SELECT 1
