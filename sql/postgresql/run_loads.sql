SELECT target, ended, counts, appends FROM etl_loads WHERE run = $1
ORDER BY target, stream_id
