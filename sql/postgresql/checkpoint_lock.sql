SELECT 1 FROM etl_checkpoints WHERE name = $1 AND version = $2 FOR UPDATE
