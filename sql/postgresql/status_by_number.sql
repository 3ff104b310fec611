SELECT id FROM pipeline_runs WHERE id = $1
