-- name: table_find
-- Finds the table of schema $1 and name $2. If there is none, finds the table
-- with these names in lower case.
SELECT n.nspname, c.relname,
    CASE WHEN c.relkind IN ('r', 'p', 'f') THEN 'table'
        WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'other' END,
    0, 0
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = coalesce(to_regclass(concat(quote_ident($1) || '.',
        quote_ident($2))),
    to_regclass(concat(quote_ident(lower($1)) || '.',
        quote_ident(lower($2)))))

-- name: table_columns
-- Lists the columns of a table with their types. If the type of a column, or of
-- the elements of its array, is a domain (CREATE DOMAIN), the result has the
-- type on which the domain is based.
WITH RECURSIVE base AS (
    SELECT a.attnum, a.atttypid AS type, false AS not_null, false AS has_default
    FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(concat(quote_ident($1) || '.',
            quote_ident($2)))
        AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, t.typbasetype, b.not_null OR t.typnotnull,
        b.has_default OR t.typdefault IS NOT NULL
    FROM base AS b JOIN pg_type AS t ON t.oid = b.type AND t.typtype = 'd'
), element AS (
    SELECT b.attnum, t.typelem AS type
    FROM base AS b JOIN pg_type AS t ON t.oid = b.type AND t.typcategory = 'A'
    UNION ALL
    SELECT e.attnum, t.typbasetype
    FROM element AS e JOIN pg_type AS t ON t.oid = e.type AND t.typtype = 'd'
)
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull OR b.not_null,
    a.atthasdef OR a.attidentity <> '' OR b.has_default,
    a.attgenerated <> '' OR a.attidentity = 'a',
    coalesce(array_position(k.indkey::smallint[], a.attnum) + 1, 0),
    t.typname, i.typname
FROM pg_attribute AS a
    JOIN base AS b USING (attnum)
    JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
    LEFT JOIN (element AS e
        JOIN pg_type AS i ON i.oid = e.type AND i.typtype <> 'd')
        ON e.attnum = a.attnum AND t.typcategory = 'A'
    LEFT JOIN pg_index AS k ON k.indrelid = a.attrelid AND k.indisprimary
WHERE a.attrelid = to_regclass(concat(quote_ident($1) || '.',
        quote_ident($2)))
ORDER BY a.attnum

-- name: table_unique
-- Lists the columns of the unique indexes of a table that ON CONFLICT can use.
-- The name is NULL if the index has an expression instead of a column.
SELECT i.indexrelid, a.attname
FROM pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[])
        WITH ORDINALITY AS k(attnum, place)
    LEFT JOIN pg_attribute AS a
        ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = to_regclass(concat(quote_ident($1) || '.',
        quote_ident($2)))
    AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND k.place <= i.indnkeyatts
ORDER BY i.indexrelid, k.place
