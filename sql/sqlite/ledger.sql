-- name: ledger_insert
-- Inserts the ledger row (table etl_loads) of a stream and the table it is
-- loaded into, in the transaction of its first batch.
INSERT INTO etl_loads (stream_id, target, run, batch, seq, ended, counts,
    appends, version, kept)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING

-- name: ledger_read
-- Reads how far a stream has been loaded into a target.
SELECT batch, seq, ended, taken, counts, version, run, kept
FROM etl_loads
WHERE stream_id = $1 AND target = $2

-- name: ledger_update
-- Records one more batch of a stream, but only if the row still has the batch
-- number $10 and is not closed. If another loader has changed or closed the
-- row, this statement changes no row.
UPDATE etl_loads
SET run = $3, batch = batch + 1, ended = $5, counts = $6, appends = $7,
    version = $8, kept = $9,
    seq = CASE WHEN $4 > seq THEN $4 ELSE seq END
WHERE stream_id = $1 AND target = $2 AND batch = $10 AND NOT taken

-- name: ledger_lock
-- Finds the row of a stream if it still has the batch number $3 and is not
-- closed, and keeps other loaders from changing it until the transaction ends.
SELECT 1 FROM etl_loads
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND NOT taken

-- name: ledger_take
-- Closes the row of a stream whose load has failed: sets taken. The server may
-- still execute the last COMMIT of the loader after this. That transaction then
-- fails, because ledger_update does not change a closed row.
UPDATE etl_loads SET taken = $4
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND NOT taken

-- name: ledger_take_first
-- Inserts a closed row (taken is true) for a stream of which no batch was
-- committed. The first batch then cannot be committed any more.
INSERT INTO etl_loads (stream_id, target, run, batch, seq, taken)
VALUES ($1, $2, $3, 0, 0, $4)
ON CONFLICT DO NOTHING

-- name: ledger_reopen
-- Reopens a closed row: sets taken to false, and adds 2 to its batch number. A
-- late COMMIT still fails, because it expects the number of the closed row. If
-- only 1 were added, the row would look as if that batch had been committed.
UPDATE etl_loads SET taken = NOT taken, batch = batch + 2
WHERE stream_id = $1 AND target = $2 AND batch = $3 AND taken

-- name: ledger_usual
-- Lists what was loaded into the target $2 by the last $3 successful runs of
-- the pipeline $1 that have loaded into it: the counts of each of their
-- streams.
SELECT r.id, l.counts
FROM etl_loads AS l JOIN pipeline_runs AS r ON r.run = l.run
WHERE l.target = $2 AND r.id IN (
    SELECT p.id FROM pipeline_runs AS p
    WHERE p.pipeline = $1 AND p.status = 'success' AND EXISTS (
        SELECT 1 FROM etl_loads AS o
        WHERE o.run = p.run AND o.target = $2)
    ORDER BY p.id DESC
    LIMIT $3)
ORDER BY r.id
