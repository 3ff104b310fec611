INSERT INTO etl_loads (stream_id, target, run, batch, seq, taken)
VALUES ($1, $2, $3, 0, 0, $4)
ON CONFLICT DO NOTHING
