INSERT INTO dead_letters (reject_id, pipeline, run, stage, code,
    error_message, pointer, origin, sqlstate, http_status, retryable,
    created_at, last_seen_at, raw, raw_data, bytes, sha256, pipeline_run_id,
    attempts)
VALUES ($1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15,
    $16, $17, $18, 1)
ON CONFLICT (reject_id) DO UPDATE SET
    pipeline = excluded.pipeline, run = excluded.run, stage = excluded.stage,
    code = excluded.code, error_message = excluded.error_message,
    pointer = excluded.pointer, origin = excluded.origin,
    sqlstate = excluded.sqlstate, http_status = excluded.http_status,
    retryable = excluded.retryable, last_seen_at = excluded.last_seen_at,
    raw = excluded.raw, raw_data = excluded.raw_data, bytes = excluded.bytes,
    sha256 = excluded.sha256,
    pipeline_run_id = coalesce(excluded.pipeline_run_id, pipeline_run_id),
    attempts = attempts + 1, status = 'open', resolved_at = NULL,
    resolved_by_run = NULL, reason = NULL, erased_at = NULL
RETURNING id
