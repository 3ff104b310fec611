-- name: before_run_read
-- Reads the entry of a stream that a run has loaded into a target.
SELECT number, columns, key_columns, status
FROM etl_before_runs
WHERE run = $1 AND target = $2 AND stream_id = $3

-- name: before_run_forget_undone
-- Deletes all entries of a run that was undone, before the run loads again.
DELETE FROM etl_before_runs
WHERE run = $1 AND target = $2 AND status = 'undone'

-- name: before_run_insert
-- Inserts the entry of a stream when a run loads its first batch into a target.
INSERT INTO etl_before_runs (run, target, stream_id, at, columns,
    key_columns, checkpoint, value, version, whole)
VALUES ($1, $2, $3, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    $4, $5, $6, $7, $8, $9)

-- name: before_run_move
-- Stores the version that the checkpoint has after one more batch.
UPDATE etl_before_runs SET version = $2 WHERE number = $1

-- name: before_store
-- Stores the images of the rows that the open transaction has changed, from the
-- temporary table etl_load_images. If a run changes a row several times, the
-- image before the first change and the image after the last one are kept.
INSERT INTO etl_before AS b
    (run, target, key, before, after)
SELECT $1, $2, i.key, i.before, i.after
FROM temp.etl_load_images AS i
WHERE i.before IS NOT i.after
ON CONFLICT (run, target, key) DO UPDATE
SET after = excluded.after,
    disturbed = b.disturbed OR b.after IS NOT excluded.before

-- name: before_find
-- Finds the run with the name $1, or else with the number $2, or else up to two
-- runs whose names begin with $1. The second column is 3, 2 or 1 then.
SELECT run, max(rank)
FROM (SELECT run, CASE WHEN run = $1 THEN 3 ELSE 1 END AS rank
        FROM etl_before_runs
        WHERE substr(run, 1, length($1)) = $1
    UNION ALL
    SELECT run, CASE WHEN run = $1 THEN 3 ELSE 1 END
        FROM pipeline_runs
        WHERE substr(run, 1, length($1)) = $1
    UNION ALL
    SELECT run, 2 FROM pipeline_runs WHERE id = $2)
GROUP BY run
ORDER BY 2 DESC, 1
LIMIT 2

-- name: before_targets
-- Lists the targets that a run has loaded, and whether their images are kept,
-- were undone or are dropped.
SELECT DISTINCT target, status FROM etl_before_runs
WHERE run = $1
ORDER BY target

-- name: before_not_kept
-- Lists the loads of a run, or of a stream with this id, that have no images.
SELECT l.target, l.counts
FROM etl_loads AS l
WHERE (l.run = $1 OR (l.run IS NULL AND l.stream_id = $1))
    AND NOT EXISTS (SELECT 1 FROM etl_before_runs AS b
        WHERE b.run = $1 AND b.target = l.target
            AND b.stream_id = l.stream_id)
ORDER BY l.target

-- name: before_streams
-- Lists the streams that a run has loaded into a target, and locks their rows.
SELECT stream_id, checkpoint, value, version, columns, key_columns,
    CASE WHEN whole THEN 1 ELSE 0 END, status, number
FROM etl_before_runs
WHERE run = $1 AND target = $2
ORDER BY number

-- name: before_set_undone
-- Notes that a run was undone.
UPDATE etl_before_runs SET status = 'undone'
WHERE run = $1 AND target = $2

-- name: before_forget
-- Deletes the images of a run that was undone.
DELETE FROM etl_before WHERE run = $1 AND target = $2

-- name: before_list_old
-- Lists the runs of a target, the newest first, without the first $2 ones.
SELECT run FROM etl_before_runs WHERE target = $1
GROUP BY run ORDER BY max(number) DESC LIMIT -1 OFFSET $2

-- name: before_set_dropped
-- Notes that the images of a run can no longer be used. They are deleted after
-- this.
UPDATE etl_before_runs SET status = 'dropped'
WHERE run = $1 AND target = $2

-- name: before_delete_some
-- Deletes a thousand images of a run.
DELETE FROM etl_before
WHERE rowid IN (SELECT o.rowid FROM etl_before AS o
    WHERE o.run = $1 AND o.target = $2 LIMIT 1000)

-- name: before_run_delete
-- Deletes the entry of a run whose images are deleted.
DELETE FROM etl_before_runs WHERE run = $1 AND target = $2

-- name: before_forget_load
-- Deletes the ledger row of a stream that was undone, so that it can be loaded
-- again.
DELETE FROM etl_loads WHERE stream_id = $1 AND target = $2

-- name: before_move_checkpoint_back
-- Gives a checkpoint the value that it had before a run, unless it has another
-- version than $3. Adds 1 to the version, so that the next commit of a loader
-- that has read the old version fails.
UPDATE etl_checkpoints
SET value = $2, version = version + 1, seq = NULL, run = NULL,
    validators = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE name = $1 AND version = $3
