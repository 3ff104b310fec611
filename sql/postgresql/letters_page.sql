-- A line of some length is read by itself.
SELECT id, attempts, resolved_upto, octet_length(raw), bytes, http_status,
    retryable, reject_id, stage, code, pipeline, run, error_message, pointer,
    origin, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(last_seen_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), status, sqlstate,
    reason, to_char(resolved_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    resolved_by_run, to_char(erased_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    sha256, CASE WHEN octet_length(raw) <= 16384 THEN raw END
FROM dead_letters AS d
WHERE true
ORDER BY d.created_at, d.id
LIMIT $1
