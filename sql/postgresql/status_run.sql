SELECT run, pipeline, status, retry_of, host,
    to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(renewed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    error_message, traceparent, log, stages,
    id, attempt, (extract(epoch FROM coalesce(completed_at, clock_timestamp())
        - started_at) * 1000)::bigint,
    records_extracted, records_loaded, unchanged, dropped, rejected, errors
FROM pipeline_runs
WHERE id = $1
