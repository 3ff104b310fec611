SELECT batch, seq, ended, taken, counts, version, run
FROM etl_loads
WHERE stream_id = $1 AND target = $2
