-- Compare and set: what another has done with the letter is left alone.
UPDATE dead_letters AS d SET
    resolved_upto = r.seen,
    status = CASE WHEN attempts > r.seen THEN 'open' ELSE 'resolved' END,
    resolved_at = CASE WHEN attempts > r.seen THEN NULL ELSE now() END,
    resolved_by_run = CASE WHEN attempts > r.seen THEN NULL ELSE $1 END,
    reason = NULL
FROM pg_temp.etl_resolves AS r
WHERE d.reject_id = r.reject_id AND d.resolved_upto = r.upto
    AND r.seen BETWEEN r.upto AND d.attempts AND d.attempts > 0
RETURNING r.n
