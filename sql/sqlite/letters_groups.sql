-- The letters that would be replayed, by who rejected them.
SELECT pipeline, stage, count(*)
FROM (SELECT coalesce(pipeline, '') AS pipeline, stage
    FROM dead_letters AS d
    WHERE true
    ORDER BY created_at, id
    LIMIT coalesce($1, -1)) AS c
GROUP BY pipeline, stage
ORDER BY pipeline, stage
LIMIT 17
