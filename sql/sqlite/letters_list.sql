SELECT id, attempts, resolved_upto, reject_id, stage, code, pipeline, run,
    error_message, pointer, origin, created_at, last_seen_at, status, raw,
    bytes IS NOT NULL, sqlstate, http_status, retryable, reason
FROM dead_letters AS d
WHERE ($1 IS NULL OR id = $1)
    AND ($2 IS NULL OR stage = $2) AND ($3 IS NULL OR code = $3)
    AND ($4 IS NULL OR coalesce(pipeline, '') = $4) AND ($5 IS NULL OR status = $5)
    AND ($6 IS NULL OR julianday(last_seen_at) >= julianday($6))
    AND ($7 IS NULL OR julianday(last_seen_at) < julianday($7))
    AND (($8 IS NULL AND $9 IS NULL) OR EXISTS (
        SELECT 1 FROM dead_letter_attempts AS a
        WHERE a.dead_letter_id = d.id AND (a.pipeline_run_id = $8
            OR substr(a.occurrence, 1, length($9)) = $9)))
ORDER BY created_at, id
LIMIT coalesce($10, -1)
