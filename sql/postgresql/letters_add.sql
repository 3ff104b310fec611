-- All letters that will be touched are made or locked, in one order, so that
-- two loaders do not wait in a circle and no purge comes between.
INSERT INTO dead_letters (reject_id, stage, code, error_message, created_at,
    last_seen_at, raw)
SELECT DISTINCT ON (reject_id) reject_id, stage, code, message, at, at, ''
FROM (
    SELECT reject_id, stage, code, message, at, n FROM pg_temp.etl_letters
    UNION ALL
    SELECT reject_id, '', '', '', now(), NULL FROM pg_temp.etl_resolves
) AS touched
ORDER BY reject_id, n
ON CONFLICT (reject_id) DO UPDATE SET attempts = 0 WHERE false
