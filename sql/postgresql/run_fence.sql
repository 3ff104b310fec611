SELECT id FROM pipeline_runs WHERE run = $1 AND status = 'running'
FOR SHARE
