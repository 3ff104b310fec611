UPDATE etl_loads SET taken = $4
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND NOT taken
