UPDATE dead_letters
SET status = $2, resolved_upto = attempts, reason = $3, resolved_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE id = $1
