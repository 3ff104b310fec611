-- Some at a time: no long lock. Their occurrences go with them.
DELETE FROM dead_letters
WHERE id IN (SELECT id FROM dead_letters AS d WHERE true ORDER BY id LIMIT $1)
