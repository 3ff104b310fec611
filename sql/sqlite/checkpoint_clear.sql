UPDATE etl_checkpoints
SET value = NULL, version = version + 1, seq = NULL, run = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE name = $1
