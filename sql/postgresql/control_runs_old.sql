-- A status that is none of ours is kept in the message.
INSERT INTO pipeline_runs (id, started_at, completed_at, status,
    records_extracted, records_loaded, errors, error_message, pipeline, run,
    renewed_at)
OVERRIDING SYSTEM VALUE
SELECT id, coalesce(started_at, completed_at, now()), completed_at,
    CASE WHEN lower(status::text) IN ('success', 'succeeded', 'completed',
            'ok', 'done') THEN 'success'
        WHEN lower(status::text) IN ('skipped', 'abandoned')
            THEN lower(status::text)
        WHEN lower(status::text) IN ('pending', 'running') THEN 'abandoned'
        ELSE 'failed' END,
    coalesce(records_extracted, 0), coalesce(records_loaded, 0),
    coalesce(errors, 0),
    CASE WHEN lower(status::text) IN ('success', 'failed', 'skipped',
            'abandoned') THEN error_message
        ELSE 'status: ' || coalesce(status::text, 'none') ||
            coalesce('; ' || error_message, '') END,
    'unknown', 'before-etl-' || id,
    coalesce(completed_at, started_at, now())
FROM pipeline_runs_before_etl;
SELECT setval(pg_get_serial_sequence('pipeline_runs', 'id'),
    (SELECT coalesce(max(id), 0) + 1 FROM pipeline_runs), false)
