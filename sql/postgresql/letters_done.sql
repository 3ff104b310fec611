RELEASE SAVEPOINT etl_letters;
DELETE FROM pg_temp.etl_letters
