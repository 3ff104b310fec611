SELECT run FROM pipeline_runs
WHERE pipeline = $1 AND status = 'running' AND (host = $2
    OR renewed_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-10 minutes'))
ORDER BY id
