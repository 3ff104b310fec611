INSERT INTO pipeline_runs (started_at, renewed_at, status, pipeline, run,
    attempt, retry_of, host, traceparent)
SELECT now, now, 'running', $1, $2, $3, $4, $5, $6
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)
RETURNING id
