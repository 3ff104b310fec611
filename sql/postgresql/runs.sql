-- name: run_start
-- Inserts the row of a run that starts, with status running. Returns its id, or
-- no row if another run of the pipeline has a row with this status.
INSERT INTO {schema}.pipeline_runs (started_at, renewed_at, status, pipeline,
    run, attempt, retry_of, host, traceparent, script, machine, pid,
    pid_started, pid_namespace, boot, host_id)
VALUES (pg_catalog.now(), pg_catalog.now(), 'running', $1, $2, $3, $4, $5, $6,
    $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (pipeline) WHERE status = 'running' AND pid IS NOT NULL DO NOTHING
RETURNING id

-- name: run_last_script
-- Reads the path of the script that the last run of pipeline $1 executed.
SELECT script FROM {schema}.pipeline_runs
WHERE pipeline = $1 AND script IS NOT NULL
ORDER BY id DESC
LIMIT 1

-- name: run_renew
-- Sets renewed_at, which shows that the run is still active.
UPDATE {schema}.pipeline_runs SET renewed_at = pg_catalog.now()
WHERE run = $1 AND status = 'running'

-- name: run_fence
-- Finds the row of a run if its status is running. The loader calls this before
-- it commits. FOR SHARE locks the row: the end of the run cannot be written
-- before the loader has committed.
SELECT id FROM {schema}.pipeline_runs WHERE run = $1 AND status = 'running'
FOR SHARE

-- name: run_lock
-- Locks the row of a run if its status is running, so that no loader can commit
-- while the end of the run is written.
SELECT id FROM {schema}.pipeline_runs WHERE run = $1 AND status = 'running'
FOR UPDATE

-- name: run_wait_limit
-- Limits how long run_lock waits for the COMMIT of a loader.
SELECT pg_catalog.set_config('lock_timeout', '20s', true)

-- name: run_list_running
-- Lists the runs of pipeline $1 that are in status running: which process
-- executes each of them, since when, and whether it was renewed in the last 10
-- minutes. A time in the future does not count as renewed.
SELECT run, pg_catalog.to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    renewed_at BETWEEN pg_catalog.now() - interval '10 minutes'
        AND pg_catalog.now() + interval '10 minutes',
    host, machine, pid, pid_started, pid_namespace, boot, host_id
FROM {schema}.pipeline_runs
WHERE pipeline = $1 AND status = 'running'
ORDER BY id

-- name: run_end
-- Writes the end of a run: status, message and counts.
UPDATE {schema}.pipeline_runs
SET completed_at = pg_catalog.clock_timestamp(), status = $2::text,
    error_message = $3, records_extracted = $4, records_loaded = $5,
    unchanged = $6, dropped = $7, rejected = $8::bigint, stages = $9, log = $10,
    errors = $8::bigint + ($2::text <> 'success')::int
WHERE run = $1

-- name: run_ended
-- Returns 1 if a run has the status success or failed, else no row.
SELECT 1 FROM {schema}.pipeline_runs
WHERE run = $1 AND status IN ('success', 'failed')

-- name: run_row
-- Reads all columns of a run.
SELECT id, pg_catalog.to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    pg_catalog.to_char(completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), status,
    records_extracted, records_loaded, errors, error_message, pipeline, run,
    attempt, retry_of,
    pg_catalog.to_char(renewed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    dropped, unchanged, rejected, host, stages, traceparent, log, script,
    machine, pid, pid_started, pid_namespace, boot, host_id
FROM {schema}.pipeline_runs WHERE run = $1

-- name: run_loads
-- Lists the rows of a run in the ledger (table etl_loads): how far each of its
-- streams was loaded.
SELECT target, ended, counts, appends, stream_id, kept
FROM {schema}.etl_loads WHERE run = $1
ORDER BY target, stream_id
