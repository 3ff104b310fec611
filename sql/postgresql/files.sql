-- name: files_read
-- Lists the files that the runs of a checkpoint have finished or found broken.
SELECT path, size, mtime, sha256, status
FROM {schema}.etl_files WHERE name = $1

-- name: files_store
-- Stores the files of the JSON array $2 with the status $4. A file that is
-- already stored gets the new values.
INSERT INTO {schema}.etl_files (name, path, size, mtime, sha256, run, status)
SELECT $1, d.path, d.size, d.mtime, d.sha256, $3, $4
FROM pg_catalog.json_to_recordset($2::json)
    AS d (path text, size bigint, mtime text, sha256 text)
ON CONFLICT (name, path) DO UPDATE SET size = excluded.size,
    mtime = excluded.mtime, sha256 = excluded.sha256, run = excluded.run,
    status = excluded.status

-- name: files_forget
-- Forgets all files of a checkpoint, for etl-checkpoint clear.
DELETE FROM {schema}.etl_files WHERE name = $1
