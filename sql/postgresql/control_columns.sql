-- Of whatever has this name where new tables are made.
SELECT attname::text
FROM pg_attribute AS a JOIN pg_class AS c ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = $1
    AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
