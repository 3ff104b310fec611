-- The lock of SQLite goes with the process that holds it.
SELECT 1
