SELECT id, started_at, completed_at, status,
    records_extracted, records_loaded, errors, error_message, pipeline, run,
    attempt, retry_of, renewed_at,
    dropped, unchanged, rejected, host, stages, traceparent, log
FROM pipeline_runs WHERE run = $1
