UPDATE etl_loads
SET run = $3, batch = batch + 1, ended = $5, counts = $6, appends = $7,
    version = $8,
    seq = CASE WHEN $4 > seq THEN $4 ELSE seq END
WHERE stream_id = $1 AND target = $2 AND batch = $9 AND NOT taken
