-- name: run_start
-- Inserts the row of a run that starts, with status running. Returns its id, or
-- no row if another run of the pipeline has a row with this status.
INSERT INTO pipeline_runs (started_at, renewed_at, status, pipeline, run,
    attempt, retry_of, host, traceparent, script, machine, pid, pid_started,
    pid_namespace, boot, host_id)
SELECT now, now, 'running', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)
WHERE true
ON CONFLICT (pipeline) WHERE status = 'running' AND pid IS NOT NULL DO NOTHING
RETURNING id

-- name: run_last_script
-- Reads the path of the script that the last run of pipeline $1 executed.
SELECT script FROM pipeline_runs
WHERE pipeline = $1 AND script IS NOT NULL
ORDER BY id DESC
LIMIT 1

-- name: run_renew
-- Sets renewed_at, which shows that the run is still active.
UPDATE pipeline_runs SET renewed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE run = $1 AND status = 'running'

-- name: run_fence
-- Finds the row of a run if its status is running. The loader calls this before
-- it commits.
SELECT id FROM pipeline_runs WHERE run = $1 AND status = 'running'

-- name: run_lock
-- Locks the row of a run if its status is running, so that no loader can commit
-- while the end of the run is written.
SELECT id FROM pipeline_runs WHERE run = $1 AND status = 'running'

-- name: run_wait_limit
-- Limits how long run_lock waits for the COMMIT of a loader. On SQLite this
-- statement does nothing: the connection has a busy time-out.
SELECT 1

-- name: run_list_running
-- Lists the runs of pipeline $1 that are in status running: which process
-- executes each of them, since when, and whether it was renewed in the last 10
-- minutes. A time in the future does not count as renewed.
SELECT run, strftime('%Y-%m-%dT%H:%M:%SZ', started_at),
    coalesce(renewed_at BETWEEN
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-10 minutes')
        AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes'), 0),
    host, machine, pid, pid_started, pid_namespace, boot, host_id
FROM pipeline_runs
WHERE pipeline = $1 AND status = 'running'
ORDER BY id

-- name: run_end
-- Writes the end of a run: status, message and counts.
UPDATE pipeline_runs
SET completed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), status = $2,
    error_message = $3,
    records_extracted = $4, records_loaded = $5, unchanged = $6,
    dropped = $7, rejected = $8, stages = $9, log = $10,
    errors = $8 + ($2 <> 'success')
WHERE run = $1

-- name: run_ended
-- Returns 1 if a run has the status success or failed, else no row.
SELECT 1 FROM pipeline_runs WHERE run = $1 AND status IN ('success', 'failed')

-- name: run_row
-- Reads all columns of a run.
SELECT id, started_at, completed_at, status,
    records_extracted, records_loaded, errors, error_message, pipeline, run,
    attempt, retry_of, renewed_at,
    dropped, unchanged, rejected, host, stages, traceparent, log, script,
    machine, pid, pid_started, pid_namespace, boot, host_id
FROM pipeline_runs WHERE run = $1

-- name: run_loads
-- Lists the rows of a run in the ledger (table etl_loads): how far each of its
-- streams was loaded.
SELECT target, ended, counts, appends, stream_id, kept
FROM etl_loads WHERE run = $1
ORDER BY target, stream_id
