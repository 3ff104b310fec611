UPDATE dead_letters SET
    raw = x'', raw_data = NULL, error_message = '', origin = NULL,
    sha256 = NULL, erased_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE id = $1
