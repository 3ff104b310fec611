-- Some at a time: no long lock. Their occurrences go with them. What a loader
-- holds is left alone, so that none waits for the other in a circle.
DELETE FROM dead_letters
WHERE id IN (SELECT id FROM dead_letters AS d WHERE true ORDER BY id LIMIT $1
    FOR UPDATE SKIP LOCKED)
