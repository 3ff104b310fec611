-- Whole: for any part of it SQLite would read all of it.
SELECT raw FROM dead_letters WHERE id = $1 AND attempts = $2
