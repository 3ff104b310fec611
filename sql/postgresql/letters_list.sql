SELECT id, attempts, resolved_upto, reject_id, stage, code, pipeline, run,
    error_message, pointer, origin,
    to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(last_seen_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), status, raw,
    bytes IS NOT NULL, sqlstate, http_status, retryable, reason
FROM dead_letters AS d
WHERE ($1::bigint IS NULL OR id = $1)
    AND ($2::text IS NULL OR stage = $2) AND ($3::text IS NULL OR code = $3)
    AND ($4::text IS NULL OR coalesce(pipeline, '') = $4)
    AND ($5::text IS NULL OR status = $5)
    AND ($6::timestamptz IS NULL OR last_seen_at >= $6)
    AND ($7::timestamptz IS NULL OR last_seen_at < $7)
    AND (($8::bigint IS NULL AND $9::text IS NULL) OR EXISTS (
        SELECT 1 FROM dead_letter_attempts AS a
        WHERE a.dead_letter_id = d.id AND (a.pipeline_run_id = $8
            OR starts_with(a.occurrence, $9))))
ORDER BY created_at, id
LIMIT $10::bigint
