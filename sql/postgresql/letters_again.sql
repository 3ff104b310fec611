-- What jsonb refuses is kept as bytes alone.
ROLLBACK TO SAVEPOINT etl_letters;
UPDATE pg_temp.etl_letters SET raw_data = NULL
