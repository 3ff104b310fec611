SELECT name, value, version, seq, run,
    to_char(updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM etl_checkpoints
ORDER BY name COLLATE "C"
