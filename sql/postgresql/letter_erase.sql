UPDATE dead_letters SET
    raw = '', raw_data = NULL, error_message = '', origin = NULL,
    sha256 = NULL, erased_at = now()
WHERE id = $1
