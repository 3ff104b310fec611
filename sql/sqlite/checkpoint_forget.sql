DELETE FROM etl_checkpoints WHERE name = $1 AND version = 0
