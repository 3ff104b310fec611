-- A domain is followed down to the type it stands for; so is that of an
-- array's elements.
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
