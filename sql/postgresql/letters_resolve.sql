-- Compare and set: what another has done with the letter is left alone. Of
-- several marks of a letter each expects what the one before it has set.
WITH marks AS (
    SELECT *, seen >= upto AND upto = lag(seen, 1, upto)
        OVER (PARTITION BY reject_id ORDER BY n) AS follows
    FROM pg_temp.etl_resolves
), replayed AS (
    SELECT reject_id, min(upto) AS upto, max(seen) AS seen
    FROM marks
    GROUP BY reject_id
    HAVING bool_and(follows)
), resolved AS (
    UPDATE dead_letters AS d SET
        resolved_upto = r.seen,
        status = CASE WHEN attempts > r.seen THEN 'open' ELSE 'resolved' END,
        resolved_at = CASE WHEN attempts > r.seen THEN NULL ELSE now() END,
        resolved_by_run = CASE WHEN attempts > r.seen THEN NULL ELSE $1 END,
        reason = NULL
    FROM replayed AS r
    WHERE d.reject_id = r.reject_id AND d.resolved_upto = r.upto
        AND r.seen <= d.attempts AND d.attempts > 0
    RETURNING d.reject_id
)
SELECT n FROM marks JOIN resolved USING (reject_id)
