INSERT INTO etl_loads (stream_id, target, run, batch, seq, ended, counts,
    appends, version)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING
