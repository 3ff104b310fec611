-- name: checkpoint_read
-- Reads the value and the version of a checkpoint.
SELECT value, version FROM etl_checkpoints WHERE name = $1

-- name: checkpoint_version
-- Reads the version of a checkpoint.
SELECT version FROM etl_checkpoints WHERE name = $1

-- name: checkpoint_list
-- Lists all checkpoints by name.
SELECT name, value, version, seq, run, updated_at FROM etl_checkpoints
ORDER BY name

-- name: checkpoint_insert
-- Inserts a checkpoint that does not exist yet, with version $3.
INSERT INTO etl_checkpoints (name, value, version, seq, run, updated_at)
VALUES ($1, $2, $3, $4, $5, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT DO NOTHING

-- name: checkpoint_lock
-- Checks that a checkpoint has the version $2. No row lock is needed: the
-- transaction has the lock of the whole database.
SELECT 1 FROM etl_checkpoints WHERE name = $1 AND version = $2

-- name: checkpoint_move
-- Moves a checkpoint to a new value. It is a compare and set on the version $3:
-- if another run has moved the checkpoint, no row is changed.
UPDATE etl_checkpoints
SET value = $2, version = version + 1, seq = $4, run = $5,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE name = $1 AND version = $3

-- name: checkpoint_running
-- Returns 1 if the run that moved this checkpoint last is still running, else
-- 0. If etl-checkpoint moved the checkpoint, the next commit of this run would
-- fail.
SELECT count(*) FROM etl_checkpoints AS c
JOIN pipeline_runs AS r ON r.run = c.run AND r.status = 'running'
WHERE c.name = $1

-- name: checkpoint_set
-- Sets the value of a checkpoint, for etl-checkpoint set. The version goes up.
INSERT INTO etl_checkpoints AS c (name, value, version, updated_at)
VALUES ($1, $2, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (name) DO UPDATE SET value = excluded.value,
    version = c.version + 1, seq = NULL, run = NULL,
    updated_at = excluded.updated_at

-- name: checkpoint_clear
-- Removes the value of a checkpoint. The row stays, and its version goes up:
-- the next commit of a loader that has read the old version fails.
UPDATE etl_checkpoints
SET value = NULL, version = version + 1, seq = NULL, run = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE name = $1

-- name: checkpoint_delete_placeholder
-- Deletes the row of version 0. A loader inserts this row so that no other
-- process can create the checkpoint before the COMMIT of the loader.
DELETE FROM etl_checkpoints WHERE name = $1 AND version = 0
