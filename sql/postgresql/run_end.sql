UPDATE pipeline_runs
SET completed_at = clock_timestamp(), status = $2::text,
    error_message = $3, records_extracted = $4, records_loaded = $5,
    unchanged = $6, dropped = $7, rejected = $8::bigint, stages = $9, log = $10,
    errors = $8::bigint + ($2::text <> 'success')::int
WHERE run = $1
