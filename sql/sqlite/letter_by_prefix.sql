SELECT id FROM dead_letters
WHERE reject_id >= $1 AND reject_id < $1 || 'g'
ORDER BY reject_id
LIMIT 2
