UPDATE pipeline_runs
SET completed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), status = $2, error_message = $3,
    records_extracted = $4, records_loaded = $5, unchanged = $6,
    dropped = $7, rejected = $8, stages = $9, log = $10,
    errors = $8 + ($2 <> 'success')
WHERE run = $1
