SELECT count(DISTINCT split_part(occurrence, '/', 1))
FROM dead_letter_attempts
WHERE starts_with(occurrence, $1)
