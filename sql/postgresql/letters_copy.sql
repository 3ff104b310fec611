COPY pg_temp.etl_letters (reject_id, occurrence, pipeline, run, stage, code,
    message, pointer, origin, sqlstate, http_status, retryable, at, raw,
    raw_data, bytes, sha256)
FROM STDIN
