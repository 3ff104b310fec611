-- id is that of the row with the least created_at: a promise of SQLite's.
SELECT stage, code, error_message, count(*), sum(attempts),
    sum(status = 'open'), min(created_at), id
FROM dead_letters AS d
WHERE true
GROUP BY stage, code, error_message
