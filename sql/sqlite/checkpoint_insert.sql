INSERT INTO etl_checkpoints (name, value, version, seq, run, updated_at)
VALUES ($1, $2, $3, $4, $5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT DO NOTHING
