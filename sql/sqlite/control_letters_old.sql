SELECT d.id, CAST(coalesce(d.raw_data, '') AS BLOB),
    coalesce(d.error_message, ''),
    strftime('%Y-%m-%dT%H:%M:%f000Z', d.created_at), coalesce(r.id, 0)
FROM dead_letters_before_etl AS d
    LEFT JOIN pipeline_runs AS r ON r.id = d.pipeline_run_id
WHERE d.id > $1
ORDER BY d.id
LIMIT 500
