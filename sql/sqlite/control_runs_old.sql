-- A status that is none of ours is kept in the message.
INSERT INTO pipeline_runs (id, started_at, completed_at, status,
    records_extracted, records_loaded, errors, error_message, pipeline, run,
    renewed_at)
SELECT id, coalesce(strftime('%Y-%m-%dT%H:%M:%f000Z', started_at),
        strftime('%Y-%m-%dT%H:%M:%f000Z', completed_at),
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    strftime('%Y-%m-%dT%H:%M:%f000Z', completed_at),
    CASE WHEN lower(status) IN ('success', 'succeeded', 'completed', 'ok',
            'done') THEN 'success'
        WHEN lower(status) IN ('skipped', 'abandoned') THEN lower(status)
        WHEN lower(status) IN ('pending', 'running') THEN 'abandoned'
        ELSE 'failed' END,
    coalesce(records_extracted, 0), coalesce(records_loaded, 0),
    coalesce(errors, 0),
    CASE WHEN lower(status) IN ('success', 'failed', 'skipped', 'abandoned')
        THEN error_message
        ELSE 'status: ' || coalesce(status, 'none') ||
            coalesce('; ' || error_message, '') END,
    'unknown', 'before-etl-' || id,
    coalesce(strftime('%Y-%m-%dT%H:%M:%f000Z', completed_at),
        strftime('%Y-%m-%dT%H:%M:%f000Z', started_at),
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
FROM pipeline_runs_before_etl
