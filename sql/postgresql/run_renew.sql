UPDATE pipeline_runs SET renewed_at = now()
WHERE run = $1 AND status = 'running'
