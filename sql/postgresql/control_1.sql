CREATE TABLE etl_control (version integer NOT NULL);

CREATE TABLE pipeline_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'success',
        'failed', 'skipped', 'abandoned')),
    records_extracted bigint NOT NULL DEFAULT 0,
    records_loaded bigint NOT NULL DEFAULT 0,
    -- rejected records, and 1 for a run that did not succeed
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
CREATE INDEX pipeline_runs_pipeline ON pipeline_runs (pipeline, id);
CREATE INDEX pipeline_runs_running ON pipeline_runs (pipeline)
    WHERE status = 'running';

CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_run_id bigint REFERENCES pipeline_runs ON DELETE SET NULL,
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
    -- of a line that was too long, of which raw is the start
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
CREATE INDEX dead_letters_status ON dead_letters (status, stage, id);

CREATE TABLE dead_letter_attempts (
    dead_letter_id bigint NOT NULL REFERENCES dead_letters ON DELETE CASCADE,
    occurrence text COLLATE "C" NOT NULL PRIMARY KEY,
    pipeline_run_id bigint REFERENCES pipeline_runs ON DELETE SET NULL,
    at timestamptz NOT NULL,
    message text NOT NULL
);
CREATE INDEX dead_letter_attempts_letter
    ON dead_letter_attempts (dead_letter_id);

CREATE TABLE etl_checkpoints (
    name text NOT NULL PRIMARY KEY,
    value text,
    version bigint NOT NULL,
    seq bigint,
    run text,
    updated_at timestamptz NOT NULL
);

CREATE TABLE etl_loads (
    stream_id text NOT NULL,
    target text NOT NULL,
    run text,
    batch bigint NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    ended boolean NOT NULL DEFAULT false,
    taken boolean NOT NULL DEFAULT false,
    counts json,
    -- a second load of the same records would append them again
    appends boolean NOT NULL DEFAULT false,
    PRIMARY KEY (stream_id, target)
);
CREATE INDEX etl_loads_run ON etl_loads (run);

INSERT INTO etl_control VALUES (1);
