INSERT INTO dead_letter_attempts (dead_letter_id, occurrence,
    pipeline_run_id, at, message)
VALUES ($1, $2, $3, $4, $5)
