SELECT occurrence, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), message
FROM dead_letter_attempts AS a
WHERE dead_letter_id = $1 AND (a.at, a.occurrence) > ($2, $3)
ORDER BY a.at, a.occurrence
LIMIT 256
