-- name: files_read
-- Lists the files that the runs of a checkpoint have finished or found broken.
SELECT path, size, mtime, sha256, status FROM etl_files WHERE name = $1

-- name: files_store
-- Stores the files of the JSON array $2 with the status $4. A file that is
-- already stored gets the new values.
INSERT INTO etl_files (name, path, size, mtime, sha256, run, status)
SELECT $1, json_extract(value, '$.path'), json_extract(value, '$.size'),
    json_extract(value, '$.mtime'), json_extract(value, '$.sha256'), $3, $4
FROM json_each($2)
-- SQLite cannot parse ON CONFLICT after a SELECT without WHERE.
WHERE true
ON CONFLICT (name, path) DO UPDATE SET size = excluded.size,
    mtime = excluded.mtime, sha256 = excluded.sha256, run = excluded.run,
    status = excluded.status

-- name: files_forget
-- Forgets all files of a checkpoint, for etl-checkpoint clear.
DELETE FROM etl_files WHERE name = $1
