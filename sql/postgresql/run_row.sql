SELECT id, to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), status,
    records_extracted, records_loaded, errors, error_message, pipeline, run,
    attempt, retry_of,
    to_char(renewed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    dropped, unchanged, rejected, host, stages, traceparent, log
FROM pipeline_runs WHERE run = $1
