-- name: scopes_version
-- Reads how many scopes of the table $1 loads have replaced so far.
SELECT version FROM {schema}.etl_scopes WHERE target = $1 AND scope = ''

-- name: scopes_lock
-- Keeps other loads from replacing the scopes of the JSON array $2 before this
-- transaction ends, and waits for loads that are replacing them now. Returns
-- the greatest version of these scopes. All loads lock their scopes in the same
-- order, so that they cannot deadlock.
WITH locked AS (
    INSERT INTO {schema}.etl_scopes AS c (target, scope, version)
    SELECT $1, v.id, 0
    FROM pg_catalog.json_array_elements_text($2::json) AS v(id)
    ORDER BY v.id COLLATE "C"
    ON CONFLICT (target, scope) DO UPDATE SET version = c.version
    RETURNING c.version
)
SELECT pg_catalog.max(l.version) FROM locked AS l

-- name: scopes_store
-- Adds $3 to the version of the table $1, and gives the scopes of the JSON
-- array $2 the new version, which it returns. Loads of different scopes wait
-- here for each other's COMMIT. So a later COMMIT has a greater version.
WITH new AS (
    INSERT INTO {schema}.etl_scopes AS c (target, scope, version)
    VALUES ($1, '', $3::bigint)
    ON CONFLICT (target, scope)
        DO UPDATE SET version = c.version + excluded.version
    RETURNING c.version
), stored AS (
    UPDATE {schema}.etl_scopes AS s SET version = n.version
    FROM new AS n,
        pg_catalog.json_array_elements_text($2::json) AS v(id)
    WHERE s.target = $1 AND s.scope = v.id
)
SELECT n.version FROM new AS n

-- name: scopes_forget
-- Deletes the scopes of the table $1 whose version is at most $2. Skips those
-- that another load has locked, so that the two cannot deadlock.
DELETE FROM {schema}.etl_scopes AS s
USING (
    SELECT o.scope
    FROM {schema}.etl_scopes AS o
    WHERE o.target = $1 AND o.scope <> '' AND o.version <= $2::bigint
    FOR UPDATE SKIP LOCKED
) AS old
WHERE s.target = $1 AND s.scope = old.scope
