-- Always in the same order, so that two loaders do not wait in a circle.
SELECT count(*) FROM (
    SELECT FROM dead_letters
    WHERE reject_id IN (SELECT reject_id FROM pg_temp.etl_letters)
    ORDER BY reject_id
    FOR UPDATE) AS locked
