SELECT run, pipeline, status, retry_of, host,
    started_at,
    completed_at,
    renewed_at,
    error_message, traceparent, log, stages,
    id, attempt, CAST(round((julianday(coalesce(completed_at,
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))) - julianday(started_at))
        * 86400000) AS INTEGER),
    records_extracted, records_loaded, unchanged, dropped, rejected, errors
FROM pipeline_runs
WHERE id = $1
