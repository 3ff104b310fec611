SELECT id FROM pipeline_runs WHERE starts_with(run, $1) LIMIT 2
