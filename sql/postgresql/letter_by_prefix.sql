SELECT id FROM dead_letters
WHERE reject_id >= $1::text AND reject_id < $1::text || 'g'
ORDER BY reject_id
LIMIT 2
