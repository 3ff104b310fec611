SELECT name, value, version, seq, run, updated_at FROM etl_checkpoints
ORDER BY name
