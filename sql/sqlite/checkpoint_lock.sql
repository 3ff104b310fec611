-- The transaction has the lock of the whole database.
SELECT 1 FROM etl_checkpoints WHERE name = $1 AND version = $2
