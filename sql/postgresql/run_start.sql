INSERT INTO pipeline_runs (started_at, renewed_at, status, pipeline, run,
    attempt, retry_of, host, traceparent)
VALUES (now(), now(), 'running', $1, $2, $3, $4, $5, $6)
RETURNING id
