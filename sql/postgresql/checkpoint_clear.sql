UPDATE etl_checkpoints
SET value = NULL, version = version + 1, seq = NULL, run = NULL,
    updated_at = clock_timestamp()
WHERE name = $1
