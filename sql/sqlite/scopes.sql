-- name: scopes_version
-- Reads how many scopes of the table $1 loads have replaced so far.
SELECT version FROM etl_scopes WHERE target = $1 AND scope = ''

-- name: scopes_lock
-- Returns the greatest version of the scopes of the JSON array $2. No lock is
-- needed: the transaction has the lock of the whole database.
SELECT coalesce(max(version), 0)
FROM etl_scopes
WHERE target = $1 AND scope IN (SELECT value FROM json_each($2))

-- name: scopes_store
-- Adds $3 to the version of the table $1, and gives the scopes of the JSON
-- array $2 the new version.
INSERT INTO etl_scopes (target, scope, version)
SELECT $1, v.value, $3 + coalesce((SELECT o.version FROM etl_scopes AS o
    WHERE o.target = $1 AND o.scope = ''), 0)
FROM (SELECT value FROM json_each($2) UNION ALL SELECT '') AS v
WHERE true
ON CONFLICT (target, scope) DO UPDATE SET version = excluded.version
RETURNING version

-- name: scopes_forget
-- Deletes the scopes of the table $1 whose version is at most $2.
DELETE FROM etl_scopes WHERE target = $1 AND scope <> '' AND version <= $2
