-- One at a time makes or migrates the tables; the number is "etl" in ASCII.
SELECT count(*) FROM (SELECT pg_advisory_xact_lock(6648940)) AS l
