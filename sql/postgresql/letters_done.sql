-- A letter without an attempt: its occurrence is known as another letter's,
-- or it was to be resolved and is not there.
DELETE FROM dead_letters
WHERE attempts = 0
    AND (reject_id IN (SELECT reject_id FROM pg_temp.etl_letters)
    OR reject_id IN (SELECT reject_id FROM pg_temp.etl_resolves));
RELEASE SAVEPOINT etl_letters;
DELETE FROM pg_temp.etl_letters;
DELETE FROM pg_temp.etl_resolves
