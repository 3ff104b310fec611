SELECT schema, name, type, wr, strict
FROM pragma_table_list
WHERE name = $2 COLLATE NOCASE AND ($1 IS NULL OR schema = $1 COLLATE NOCASE)
ORDER BY schema <> 'temp', schema <> 'main'
LIMIT 1
