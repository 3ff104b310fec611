INSERT INTO etl_checkpoints AS c (name, value, version, updated_at)
VALUES ($1, $2, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (name) DO UPDATE SET value = excluded.value,
    version = c.version + 1, seq = NULL, run = NULL,
    updated_at = excluded.updated_at
