SELECT count(*) FROM etl_checkpoints AS c
JOIN pipeline_runs AS r ON r.run = c.run AND r.status = 'running'
WHERE c.name = $1
