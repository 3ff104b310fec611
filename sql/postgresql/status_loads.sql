SELECT target, stream_id, batch, seq, version, ended, taken, counts
FROM etl_loads
WHERE run = $1
ORDER BY target, stream_id
