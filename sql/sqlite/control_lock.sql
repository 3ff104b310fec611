-- BEGIN IMMEDIATE has the only lock there is.
SELECT 1
