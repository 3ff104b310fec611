-- Two places on: a COMMIT that is late expects the one that was taken, and who
-- does that batch again would take the next one for its own.
UPDATE etl_loads SET taken = NOT taken, batch = batch + 2
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND taken
