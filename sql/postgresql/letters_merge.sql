-- A statement of its own: it sees what was committed while the locks were
-- waited for. Counts the occurrences that are new.
WITH added AS (
    INSERT INTO dead_letter_attempts (dead_letter_id, occurrence,
        pipeline_run_id, at, message)
    SELECT DISTINCT ON (l.occurrence) d.id, l.occurrence, $1::bigint, l.at,
        l.message
    FROM pg_temp.etl_letters AS l JOIN dead_letters AS d USING (reject_id)
    ORDER BY l.occurrence, l.n
    ON CONFLICT (occurrence) DO NOTHING
    RETURNING dead_letter_id, occurrence
), times AS (
    SELECT dead_letter_id, count(*) AS times FROM added GROUP BY 1
), latest AS (
    SELECT a.dead_letter_id, max(l.n) AS n
    FROM added AS a JOIN dead_letters AS d ON d.id = a.dead_letter_id
        JOIN pg_temp.etl_letters AS l USING (occurrence, reject_id)
    GROUP BY 1
), merged AS (
    UPDATE dead_letters AS d SET
        pipeline = l.pipeline, run = l.run, stage = l.stage, code = l.code,
        error_message = l.message, pointer = l.pointer,
        origin = l.origin::json, sqlstate = l.sqlstate,
        http_status = l.http_status, retryable = l.retryable,
        last_seen_at = l.at, raw = l.raw, raw_data = l.raw_data::jsonb,
        bytes = l.bytes, sha256 = l.sha256,
        pipeline_run_id = coalesce($1::bigint, d.pipeline_run_id),
        attempts = d.attempts + t.times, status = 'open',
        resolved_at = NULL, resolved_by_run = NULL, reason = NULL
    FROM latest JOIN times AS t USING (dead_letter_id)
        JOIN pg_temp.etl_letters AS l USING (n)
    WHERE d.id = t.dead_letter_id
)
SELECT count(*) FROM added
