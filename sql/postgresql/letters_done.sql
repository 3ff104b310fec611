-- A letter without an attempt: its occurrence is known as another letter's.
DELETE FROM dead_letters
WHERE attempts = 0
    AND reject_id IN (SELECT reject_id FROM pg_temp.etl_letters);
RELEASE SAVEPOINT etl_letters;
DELETE FROM pg_temp.etl_letters
