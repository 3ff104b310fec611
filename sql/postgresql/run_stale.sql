SELECT run FROM pipeline_runs
WHERE pipeline = $1 AND status = 'running'
    AND (host = $2 OR renewed_at < now() - interval '10 minutes')
ORDER BY id
