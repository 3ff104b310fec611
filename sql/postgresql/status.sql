-- name: status_by_number
-- Finds a run by the number in its column id.
SELECT id FROM {schema}.pipeline_runs WHERE id = $1

-- name: status_by_prefix
-- Finds the runs whose uuid begins with $1. Two rows are enough to show that
-- the prefix is ambiguous.
SELECT id FROM {schema}.pipeline_runs
WHERE pg_catalog.starts_with(run, $1)
LIMIT 2

-- name: status_list
-- Lists the last $3 runs, newest first: of the pipeline $1, or of all pipelines
-- if $1 is NULL. If $2 is not 0, lists only runs in status failed or abandoned.
SELECT id, run, status,
    pg_catalog.to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    pg_catalog.to_char(completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    pipeline, error_message, attempt,
    (extract(epoch FROM coalesce(completed_at, pg_catalog.clock_timestamp())
        - started_at) OPERATOR(pg_catalog.*) 1000)::bigint,
    records_extracted, records_loaded, unchanged, dropped, rejected
FROM {schema}.pipeline_runs
WHERE ($1::text IS NULL OR pipeline = $1)
AND ($2::bigint = 0 OR status IN ('failed', 'abandoned'))
ORDER BY id DESC
LIMIT $3::bigint

-- name: status_run
-- Reads the row of a run.
SELECT run, pipeline, status, retry_of, host,
    pg_catalog.to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    pg_catalog.to_char(completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    pg_catalog.to_char(renewed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    error_message, traceparent, log, stages,
    id, attempt,
    (extract(epoch FROM coalesce(completed_at, pg_catalog.clock_timestamp())
        - started_at) OPERATOR(pg_catalog.*) 1000)::bigint,
    records_extracted, records_loaded, unchanged, dropped, rejected, errors
FROM {schema}.pipeline_runs
WHERE id = $1

-- name: status_loads
-- Lists the rows of a run in the ledger (table etl_loads): how far each of its
-- streams was loaded.
SELECT target, stream_id, batch, seq, version, ended, taken, counts
FROM {schema}.etl_loads
WHERE run = $1
ORDER BY target, stream_id

-- name: status_codes
-- Counts the rejections of records in a run (table dead_letter_attempts) by the
-- stage that rejected the record and by the code of the reject.
SELECT d.stage, d.code, pg_catalog.count(*)
FROM {schema}.dead_letter_attempts AS a
JOIN {schema}.dead_letters AS d ON d.id = a.dead_letter_id
WHERE a.pipeline_run_id = $1
GROUP BY d.stage, d.code
ORDER BY d.stage, pg_catalog.count(*) DESC, d.code
