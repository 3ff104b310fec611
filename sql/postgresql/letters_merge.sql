-- A statement of its own: it sees what was committed while the locks were
-- waited for. Counts the occurrences that are new.
WITH staged AS (
    SELECT DISTINCT ON (l.occurrence) d.id, l.occurrence, l.n, l.at,
        l.message
    FROM pg_temp.etl_letters AS l JOIN dead_letters AS d USING (reject_id)
    ORDER BY l.occurrence, l.n
), added AS (
    INSERT INTO dead_letter_attempts (dead_letter_id, occurrence,
        pipeline_run_id, at, message)
    SELECT id, occurrence, $1::bigint, at, message FROM staged
    ON CONFLICT (occurrence) DO NOTHING
    RETURNING occurrence
), latest AS (
    SELECT s.id, count(*) AS times, max(s.n) AS n
    FROM added JOIN staged AS s USING (occurrence)
    GROUP BY s.id
), merged AS (
    UPDATE dead_letters AS d SET
        pipeline = l.pipeline, run = l.run, stage = l.stage, code = l.code,
        error_message = l.message, pointer = l.pointer,
        origin = l.origin::json, sqlstate = l.sqlstate,
        http_status = l.http_status, retryable = l.retryable,
        last_seen_at = l.at, raw = l.raw, raw_data = l.raw_data::jsonb,
        bytes = l.bytes, sha256 = l.sha256,
        pipeline_run_id = coalesce($1::bigint, d.pipeline_run_id),
        attempts = d.attempts + latest.times, status = 'open',
        resolved_at = NULL, resolved_by_run = NULL, reason = NULL,
        erased_at = NULL
    FROM latest JOIN pg_temp.etl_letters AS l USING (n)
    WHERE d.id = latest.id
)
SELECT count(*) FROM added
