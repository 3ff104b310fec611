-- name: checkpoint_read
-- Reads the value of a checkpoint (the position up to which records have been
-- loaded) and its version, which goes up with every change.
SELECT value, version FROM etl_checkpoints WHERE name = $1

-- name: checkpoint_read_validators
-- Reads the validators: the ETag or Last-Modified value that the server sent
-- with the first page of the last run.
SELECT validators FROM etl_checkpoints WHERE name = $1

-- name: checkpoint_store_validators
-- Sets the validators (an ETag or Last-Modified value), in the transaction that
-- moves the checkpoint. If they are NULL, the next run sends none to the
-- server.
UPDATE etl_checkpoints SET validators = $2 WHERE name = $1

-- name: checkpoint_version
-- Reads the version of a checkpoint, which goes up with every change.
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
-- Sets a new value of a checkpoint and adds 1 to its version, but only if the
-- version is still $3. If another run has changed the checkpoint, this
-- statement changes no row.
UPDATE etl_checkpoints
SET value = $2, version = version + 1, seq = $4, run = $5,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE name = $1 AND version = $3

-- name: checkpoint_running
-- Returns 1 if the run that changed this checkpoint last is still in status
-- running, else 0. etl-checkpoint must not change the checkpoint of such a run:
-- the next commit of the run would fail.
SELECT count(*) FROM etl_checkpoints AS c
JOIN pipeline_runs AS r ON r.run = c.run AND r.status = 'running'
WHERE c.name = $1

-- name: checkpoint_set
-- Sets the value of a checkpoint, for etl-checkpoint set, and adds 1 to its
-- version: the next commit of a loader that has read the old version fails.
INSERT INTO etl_checkpoints AS c (name, value, version, updated_at)
VALUES ($1, $2, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (name) DO UPDATE SET value = excluded.value,
    version = c.version + 1, seq = NULL, run = NULL, validators = NULL,
    updated_at = excluded.updated_at

-- name: checkpoint_clear
-- Sets the value of a checkpoint to NULL, for etl-checkpoint clear. Keeps the
-- row and adds 1 to its version: the next commit of a loader that has read the
-- old version fails.
UPDATE etl_checkpoints
SET value = NULL, version = version + 1, seq = NULL, run = NULL,
    validators = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE name = $1

-- name: checkpoint_delete_placeholder
-- Deletes a row that has the version 0. A loader inserts such a placeholder and
-- deletes it in the same transaction. Until the COMMIT, an INSERT of the same
-- name by another process waits.
DELETE FROM etl_checkpoints WHERE name = $1 AND version = 0
