UPDATE etl_checkpoints
SET value = $2, version = version + 1, seq = $4, run = $5,
    updated_at = clock_timestamp()
WHERE name = $1 AND version = $3
