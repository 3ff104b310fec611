INSERT INTO dead_letters (reject_id, stage, code, error_message, created_at,
    last_seen_at, raw)
SELECT DISTINCT ON (reject_id) reject_id, stage, code, message, at, at, ''
FROM pg_temp.etl_letters
ORDER BY reject_id, n
ON CONFLICT (reject_id) DO NOTHING
