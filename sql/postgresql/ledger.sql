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
-- Records one more batch. This is a compare and set on the batch number $9: if
-- another loader has changed or closed the row, no row is changed.
UPDATE etl_loads
SET run = $3, batch = batch + 1, ended = $5, counts = $6, appends = $7,
    version = $8,
    seq = CASE WHEN $4 > seq THEN $4 ELSE seq END
WHERE stream_id = $1 AND target = $2 AND batch = $9 AND NOT taken

-- name: ledger_take
-- Closes the row of a stream whose load has failed. If the server executes the
-- transaction of the loader after this, ledger_update finds taken set and
-- changes no row.
UPDATE etl_loads SET taken = $4
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND NOT taken

-- name: ledger_take_first
-- Inserts a closed row for a stream of which no batch has been committed.
INSERT INTO etl_loads (stream_id, target, run, batch, seq, taken)
VALUES ($1, $2, $3, 0, 0, $4)
ON CONFLICT DO NOTHING

-- name: ledger_reopen
-- Reopens a closed row and adds two to its batch number. So a late COMMIT,
-- which expects the number of the closed row, still fails, and a repetition of
-- its batch cannot be mistaken for the next batch.
UPDATE etl_loads SET taken = NOT taken, batch = batch + 2
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND taken
