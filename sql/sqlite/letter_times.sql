SELECT occurrence, at, message
FROM dead_letter_attempts
WHERE dead_letter_id = $1 AND (at, occurrence) > ($2, $3)
ORDER BY at, occurrence
LIMIT 256
