SELECT error_message, substring(raw FROM 1 FOR 81)
FROM dead_letters
WHERE id = $1
