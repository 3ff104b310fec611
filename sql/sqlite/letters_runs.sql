SELECT count(DISTINCT substr(occurrence, 1, instr(occurrence, '/') - 1))
FROM dead_letter_attempts
WHERE substr(occurrence, 1, length($1)) = $1
