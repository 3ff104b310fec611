-- name: table_find
-- Finds the table of schema $1 and name $2.
SELECT schema, name, type, wr, strict
FROM pragma_table_list
WHERE name = $2 COLLATE NOCASE AND ($1 IS NULL OR schema = $1 COLLATE NOCASE)
ORDER BY schema <> 'temp', schema <> 'main'
LIMIT 1

-- name: table_names
-- Lists the tables and views of schema $1, or of all if it is NULL.
SELECT name
FROM pragma_table_list
WHERE ($1 IS NULL OR schema = $1 COLLATE NOCASE) AND name NOT GLOB 'sqlite_*'
ORDER BY name
LIMIT 10000

-- name: table_columns
-- Lists the columns of a table with their types. The column hidden is 1 for a
-- hidden column of a virtual table, and 2 or 3 for a generated column.
SELECT name, type, "notnull", dflt_value IS NOT NULL OR hidden <> 0,
    hidden <> 0, pk
FROM pragma_table_xinfo($2, $1)
ORDER BY cid

-- name: table_has_columns
-- Returns 1 if the first columns of the table have the names and types $3, a
-- text such as 'id INTEGER,title TEXT,', and if each key of $4 has its unique
-- index or is the primary key; else 0. $4 is a JSON array of keys (struct
-- table_key), such as [{"columns":["id"],"primary":false,"condition":null}]. A
-- condition is the end of the CREATE INDEX.
SELECT substr(coalesce(group_concat(name || ' ' || type || ',', ''), ''), 1,
    length($3)) = $3 AND NOT EXISTS (
        SELECT 1
        FROM (SELECT value ->> '$.condition' AS condition,
                value ->> '$.primary' AS only_primary,
                value -> '$.columns' AS columns
            FROM json_each($4)) AS k
        WHERE (k.condition IS NOT NULL OR json_array_length(k.columns) IS NOT (
                SELECT CASE WHEN count(*) = sum(c.name IN (
                    SELECT value FROM json_each(k.columns))) THEN count(*) END
                FROM pragma_table_xinfo($2, $1) AS c
                WHERE c.pk > 0))
            AND (k.only_primary OR NOT EXISTS (
                SELECT 1
                FROM pragma_index_list($2, $1) AS l
                    LEFT JOIN (SELECT type, name, sql FROM main.sqlite_schema
                        UNION ALL SELECT type, name, sql
                        FROM temp.sqlite_schema) AS s
                        ON s.name = l.name AND s.type = 'index'
                WHERE l."unique" AND l.partial = (k.condition IS NOT NULL)
                    AND (k.condition IS NULL OR
                        substr(s.sql, -length(k.condition)) = k.condition)
                    AND json_array_length(k.columns) = (
                        SELECT CASE WHEN count(*) = sum(i.name IN (
                            SELECT value FROM json_each(k.columns)))
                            THEN count(*) END
                        FROM pragma_index_info(l.name, $1) AS i))))
FROM (SELECT name, type FROM pragma_table_xinfo($2, $1) ORDER BY cid)

-- name: table_unique
-- Lists the columns of the unique indexes that have no condition. A row has the
-- index, the name of the column, 1 if ON CONFLICT can use the index, and the
-- number of columns of the index. The name is NULL if the index has an
-- expression in place of a column.
SELECT l.seq, i.name, 1, count(*) OVER (PARTITION BY l.seq)
FROM pragma_index_list($2, $1) AS l, pragma_index_info(l.name, $1) AS i
WHERE l."unique" AND NOT l.partial
ORDER BY l.seq, i.seqno

-- name: table_partial_unique
-- Lists the definitions of the unique indexes that have a condition, and whose
-- columns are exactly those of $3, a JSON array of names.
SELECT s.sql
FROM pragma_index_list($2, $1) AS l
    JOIN (SELECT type, name, sql FROM main.sqlite_schema
        UNION ALL SELECT type, name, sql FROM temp.sqlite_schema) AS s
        ON s.name = l.name AND s.type = 'index'
WHERE l."unique" AND l.partial AND json_array_length($3) = (
    SELECT CASE WHEN count(*) = sum(i.name IN (SELECT value FROM json_each($3)))
        THEN count(*) END
    FROM pragma_index_info(l.name, $1) AS i)

-- name: table_referring
-- Finds a table whose rows a foreign key changes or deletes if rows of the
-- table $1 are deleted. If $2 is not 0, a foreign key of the table to itself
-- does not count. Returns the table and the action. SQLite does not show
-- whether a foreign key is deferred.
SELECT m.name, 'ON DELETE ' || f.on_delete
FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table' AND f."table" = $1 COLLATE NOCASE
    AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
    AND ($2 = 0 OR m.name <> $1 COLLATE NOCASE)
LIMIT 1

-- name: table_cascades
-- Lists the foreign keys to the table $1 that change or delete rows if rows of
-- $1 are deleted. A row has the table with the foreign key, once as SQL with
-- its schema, all in quotes, and once as a name; the action; and the SQL
-- condition that a row "etl.r" of that table refers to the row "etl.t" of $1.
SELECT printf('"main"."%w"', m.name), m.name, f.on_delete,
    group_concat(printf('"etl.t"."%w" = "etl.r"."%w"',
        coalesce(f."to", (SELECT name FROM pragma_table_info($1)
            WHERE pk = f.seq + 1)), f."from"), ' AND ')
FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table' AND f."table" = $1 COLLATE NOCASE
    AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
GROUP BY m.name, f.id
ORDER BY m.name, f.id

-- name: table_foreign_keys
-- Lists the columns of each foreign key from table $1 to table $2. A row has
-- the number of the foreign key, the column, its place in the foreign key
-- (counted from 1), and the column to which it refers. The last one is NULL if
-- the foreign key names no columns: it then refers to the primary key.
SELECT id, "from", seq + 1, "to"
FROM pragma_foreign_key_list($1)
WHERE "table" = $2 COLLATE NOCASE
ORDER BY id, seq

-- name: table_key_collation
-- Returns the collation of column $2 in the unique index that ON CONFLICT uses
-- for table $1; the index has $3 columns. There is no such index if the key is
-- the rowid.
SELECT x.coll
FROM pragma_index_list($1) AS l
    JOIN pragma_index_xinfo(l.name) AS x
WHERE l."unique" AND NOT l.partial AND x.key AND x.name = $2 COLLATE NOCASE
    AND $3 = (SELECT count(*) FROM pragma_index_xinfo(l.name) AS y WHERE y.key)
ORDER BY l.origin <> 'pk'
LIMIT 1
