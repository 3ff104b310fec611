SELECT d.id::bigint, convert_to(coalesce(d.raw_data::text, ''), 'UTF8'),
    coalesce(d.error_message::text, ''),
    to_char(d.created_at::timestamptz, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(r.id, 0)::bigint
FROM dead_letters_before_etl AS d
    LEFT JOIN pipeline_runs AS r ON r.id = d.pipeline_run_id
WHERE d.id > $1::bigint
ORDER BY d.id
LIMIT 500
