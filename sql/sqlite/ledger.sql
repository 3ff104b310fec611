-- name: ledger_insert
-- Inserts the row of a stream and target with its first batch.
INSERT INTO etl_loads (stream_id, target, run, batch, seq, ended, counts,
    appends, version)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING

-- name: ledger_read
-- Reads how far a stream has been loaded into a target.
SELECT batch, seq, ended, taken, counts, version, run
FROM etl_loads
WHERE stream_id = $1 AND target = $2

-- name: ledger_update
-- Moves the row by one batch. It is a compare and set: if another loader has
-- moved the row, or has given the stream up, no row is changed.
UPDATE etl_loads
SET run = $3, batch = batch + 1, ended = $5, counts = $6, appends = $7,
    version = $8,
    seq = CASE WHEN $4 > seq THEN $4 ELSE seq END
WHERE stream_id = $1 AND target = $2 AND batch = $9 AND NOT taken

-- name: ledger_take
-- Closes the row of a stream whose load is given up: a COMMIT that is still on
-- its way then finds taken set and changes nothing.
UPDATE etl_loads SET taken = $4
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND NOT taken

-- name: ledger_take_first
-- Inserts a closed row for a stream of which no batch has been committed.
INSERT INTO etl_loads (stream_id, target, run, batch, seq, taken)
VALUES ($1, $2, $3, 0, 0, $4)
ON CONFLICT DO NOTHING

-- name: ledger_reopen
-- Opens a closed row again. It moves the batch number by two, so that a late
-- COMMIT, which expects the number of the closed row, still fails, and a
-- repetition of that batch cannot be taken for the next one.
UPDATE etl_loads SET taken = NOT taken, batch = batch + 2
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND taken
