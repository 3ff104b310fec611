SELECT version FROM etl_checkpoints WHERE name = $1
