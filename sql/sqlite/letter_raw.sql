SELECT substr(raw, $3, $4) FROM dead_letters WHERE id = $1 AND attempts = $2
