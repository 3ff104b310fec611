SELECT error_message, substr(raw, 1, 80) FROM dead_letters WHERE id = $1
