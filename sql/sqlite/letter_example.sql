SELECT error_message, substr(raw, 1, 81) FROM dead_letters WHERE id = $1
