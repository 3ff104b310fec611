UPDATE pipeline_runs SET renewed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE run = $1 AND status = 'running'
