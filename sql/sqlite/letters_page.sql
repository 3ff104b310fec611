-- A line of some length is read by itself.
SELECT id, attempts, resolved_upto, length(raw), bytes, http_status,
    retryable, reject_id, stage, code, pipeline, run, error_message, pointer,
    origin, created_at, last_seen_at, status, sqlstate, reason, resolved_at,
    resolved_by_run, erased_at, sha256,
    CASE WHEN length(raw) <= 16384 THEN raw END
FROM dead_letters AS d
WHERE true
ORDER BY created_at, id
LIMIT $1
