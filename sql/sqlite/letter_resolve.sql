-- Compare and set: what another has done with the letter is left alone.
UPDATE dead_letters SET
    resolved_upto = $2,
    status = CASE WHEN attempts > $2 THEN 'open' ELSE 'resolved' END,
    resolved_at = CASE WHEN attempts > $2 THEN NULL ELSE
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') END,
    resolved_by_run = CASE WHEN attempts > $2 THEN NULL ELSE $4 END,
    reason = NULL
WHERE reject_id = $1 AND resolved_upto = $3 AND $2 BETWEEN $3 AND attempts
