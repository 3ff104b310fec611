SELECT stage, code, error_message, count(*), sum(attempts)::bigint,
    count(*) FILTER (WHERE status = 'open'),
    to_char(min(created_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    (array_agg(id ORDER BY created_at, id))[1]
FROM dead_letters AS d
WHERE true
GROUP BY stage, code, error_message
