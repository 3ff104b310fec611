SELECT 1 FROM pipeline_runs WHERE run = $1 AND status IN ('success', 'failed')
