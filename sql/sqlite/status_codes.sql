SELECT d.stage, d.code, count(*)
FROM dead_letter_attempts AS a
JOIN dead_letters AS d ON d.id = a.dead_letter_id
WHERE a.pipeline_run_id = $1
GROUP BY d.stage, d.code
ORDER BY d.stage, count(*) DESC, d.code
