SELECT id FROM pipeline_runs WHERE substr(run, 1, length($1)) = $1 LIMIT 2
