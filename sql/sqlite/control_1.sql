CREATE TABLE etl_control (version INTEGER NOT NULL);

CREATE TABLE pipeline_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at TEXT NOT NULL,
    completed_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'success',
        'failed', 'skipped', 'abandoned')),
    records_extracted INTEGER NOT NULL DEFAULT 0,
    records_loaded INTEGER NOT NULL DEFAULT 0,
    -- rejected records, and 1 for a run that did not succeed
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
    -- of a line that was too long, of which raw is the start
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
    -- a second load of the same records would append them again
    appends INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream_id, target)
) WITHOUT ROWID;
CREATE INDEX etl_loads_run ON etl_loads (run);

INSERT INTO etl_control VALUES (1);
