-- The busy timeout of the connection does it.
SELECT 1
