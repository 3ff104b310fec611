UPDATE dead_letters
SET status = $2, resolved_upto = attempts, reason = $3, resolved_at = now()
WHERE id = $1
