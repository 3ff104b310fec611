SELECT 1 FROM dead_letter_attempts WHERE occurrence = $1
