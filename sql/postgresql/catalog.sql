-- name: catalog_first
-- Makes PostgreSQL search the schema pg_catalog before all others. Then the
-- types and operators of PostgreSQL are found even if another role has created
-- some with the same names. If the search_path names pg_catalog after another
-- schema, this statement removes it from the path: a pg_catalog that the path
-- does not name is searched first. The operators are written with their schema,
-- because they are looked up before the path is changed. The pattern has no
-- backslash, because standard_conforming_strings may still be off.
SELECT pg_catalog.set_config('search_path', p.others, false)
FROM (
    SELECT pg_catalog.string_agg(s.name, ', ' ORDER BY s.place)
            FILTER (WHERE NOT s.is_catalog) AS others,
        pg_catalog.min(s.place) FILTER (WHERE s.is_catalog) AS place
    FROM (
        SELECT e.part[1] AS name, e.place,
            pg_catalog.lower(e.part[1]) OPERATOR(pg_catalog.=) 'pg_catalog'
            OR e.part[1] OPERATOR(pg_catalog.=) '"pg_catalog"' AS is_catalog
        FROM pg_catalog.regexp_matches(
            pg_catalog.current_setting('search_path'),
            '[[:space:]]*("(?:[^"]|"")*"|[^",[:space:]]+)[[:space:]]*(?:,|$)',
            'g') WITH ORDINALITY AS e(part, place)
    ) AS s
) AS p
WHERE p.place OPERATOR(pg_catalog.>) 1

-- name: table_find
-- Finds the table of schema $1 and name $2. If there is none, finds the table
-- with these names in lower case.
SELECT n.nspname, c.relname,
    CASE WHEN c.relkind IN ('r', 'p', 'f') THEN 'table'
        WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'other' END,
    0, 0
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = coalesce(
    pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid,
    pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident(pg_catalog.lower($1)) || '.',
        pg_catalog.quote_ident(pg_catalog.lower($2))))::oid)

-- name: table_columns
-- Lists the columns of a table with their types. If the type of a column, or of
-- the elements of its array, is a domain (CREATE DOMAIN), the result has the
-- type on which the domain is based. The values "operator" and "name" are not
-- NULL if the type and its operator "equal" belong to an extension: the
-- operator with its schema, such as OPERATOR(public.=), and the type with its
-- schema. The two values after them say which values the column would change:
-- the innermost type (of an array that of its elements, of a range that of its
-- bounds) and its limit. The limit is the typmod. Of name it is the most bytes;
-- of money the digits after the point, or -1 if lc_monetary has another point
-- than a dot; of a composite type the number of members that may change a
-- value. The last value is true if the column is a text, and two values are
-- equal only if their bytes in UTF-8 are.
WITH RECURSIVE attribute AS (
    SELECT a.*
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.concat(
            pg_catalog.quote_ident($1) || '.',
            pg_catalog.quote_ident($2)))::oid
        AND a.attnum > 0 AND NOT a.attisdropped
), base AS (
    SELECT a.attnum, a.atttypid AS type, false AS not_null, false AS has_default
    FROM attribute AS a
    UNION ALL
    SELECT b.attnum, t.typbasetype, b.not_null OR t.typnotnull,
        b.has_default OR t.typdefault IS NOT NULL
    FROM base AS b
        JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype = 'd'
), element AS (
    SELECT b.attnum, t.typelem AS type
    FROM base AS b
        JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typcategory = 'A'
    UNION ALL
    SELECT e.attnum, t.typbasetype
    FROM element AS e
        JOIN pg_catalog.pg_type AS t ON t.oid = e.type AND t.typtype = 'd'
), equal AS (
    SELECT c.opcintype AS type,
        pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) AS operator,
        pg_catalog.format('%I.%I', m.nspname, t.typname) AS name
    FROM pg_catalog.pg_opclass AS c
        JOIN pg_catalog.pg_am AS h ON h.oid = c.opcmethod
        JOIN pg_catalog.pg_amop AS p ON p.amopfamily = c.opcfamily
            AND p.amoplefttype = c.opcintype AND p.amoprighttype = c.opcintype
        JOIN pg_catalog.pg_operator AS o ON o.oid = p.amopopr
        JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
        JOIN pg_catalog.pg_type AS t ON t.oid = c.opcintype
        JOIN pg_catalog.pg_namespace AS m ON m.oid = t.typnamespace
    WHERE h.amname = 'btree' AND p.amopstrategy = 3 AND c.opcdefault
        AND n.nspname <> 'pg_catalog'
), inner_type AS (
    SELECT a.attnum, a.atttypid AS type, a.atttypmod AS typmod
    FROM attribute AS a
    UNION ALL
    SELECT s.attnum, CASE WHEN t.typtype = 'd' THEN t.typbasetype
            WHEN r.rngtypid IS NOT NULL THEN r.rngsubtype ELSE t.typelem END,
        CASE WHEN t.typtype = 'd' THEN t.typtypmod
            WHEN r.rngtypid IS NOT NULL THEN -1 ELSE s.typmod END
    FROM inner_type AS s
        JOIN pg_catalog.pg_type AS t ON t.oid = s.type
        LEFT JOIN pg_catalog.pg_range AS r
            ON t.oid IN (r.rngtypid, r.rngmultitypid)
    WHERE t.typtype = 'd' OR t.typcategory = 'A' OR r.rngtypid IS NOT NULL
), change AS (
    SELECT s.attnum, CASE t.typtype WHEN 'c' THEN 'record' ELSE t.typname END
            AS type,
        CASE
            WHEN t.typtype = 'c' THEN (
                SELECT pg_catalog.count(*)
                FROM pg_catalog.pg_attribute AS m
                WHERE m.attrelid = t.typrelid AND m.attnum > 0
                    AND NOT m.attisdropped AND (m.atttypmod <> -1
                    OR m.atttypid <> ALL ('{bool,bytea,int2,int4,int8,json,
                        jsonb,numeric,text,uuid,varchar}'::regtype[]::oid[])))
            WHEN t.typname = 'name' THEN t.typlen - 1
            WHEN t.typname <> 'money' THEN s.typmod
            WHEN pg_catalog.scale(1::money::numeric) = 0
                OR pg_catalog.strpos(1.5::money::text, '1.5') > 0
                THEN pg_catalog.scale(1::money::numeric)
            ELSE -1
        END AS typmod
    FROM inner_type AS s
        JOIN pg_catalog.pg_type AS t ON t.oid = s.type
        LEFT JOIN pg_catalog.pg_range AS r
            ON t.oid IN (r.rngtypid, r.rngmultitypid)
    WHERE t.typtype <> 'd' AND t.typcategory <> 'A' AND r.rngtypid IS NULL
)
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
    a.attnotnull OR b.not_null,
    a.atthasdef OR a.attidentity <> '' OR b.has_default,
    a.attgenerated <> '' OR a.attidentity = 'a',
    coalesce(pg_catalog.array_position(k.indkey::smallint[], a.attnum) + 1, 0),
    t.typname, i.typname, q.operator, q.name, g.type, g.typmod,
    t.typname IN ('text', 'varchar')
        AND t.typnamespace = 'pg_catalog'::regnamespace::oid
        AND l.collisdeterministic
        AND pg_catalog.getdatabaseencoding() = 'UTF8'
FROM attribute AS a
    JOIN base AS b USING (attnum)
    JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
    LEFT JOIN (element AS e
        JOIN pg_catalog.pg_type AS i ON i.oid = e.type AND i.typtype <> 'd')
        ON e.attnum = a.attnum AND t.typcategory = 'A'
    LEFT JOIN pg_catalog.pg_index AS k
        ON k.indrelid = a.attrelid AND k.indisprimary
    LEFT JOIN equal AS q ON q.type = b.type
    LEFT JOIN change AS g ON g.attnum = a.attnum
    LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
ORDER BY a.attnum

-- name: table_has_columns
-- Returns 1 if the first columns of the table have the names and types $3, a
-- text such as 'id integer,title text,'; else 0.
SELECT pg_catalog.starts_with(coalesce(pg_catalog.string_agg(pg_catalog.concat(
    attname, ' ', pg_catalog.format_type(atttypid, atttypmod), ','), ''
    ORDER BY attnum), ''), $3)::int
FROM pg_catalog.pg_attribute
WHERE attrelid = pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid
    AND attnum > 0 AND NOT attisdropped

-- name: table_unique
-- Lists the columns of the unique indexes of a table that ON CONFLICT can use.
-- The name is NULL if the index has an expression instead of a column.
SELECT i.indexrelid, a.attname
FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::smallint[])
        WITH ORDINALITY AS k(attnum, place)
    LEFT JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid
    AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND k.place <= i.indnkeyatts
ORDER BY i.indexrelid, k.place

-- name: table_unique_columns
-- Lists the columns that are a unique index by themselves.
SELECT pg_catalog.min(a.attname::text)
FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::smallint[])
        WITH ORDINALITY AS k(attnum, place)
    LEFT JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid
    AND i.indisunique AND i.indpred IS NULL AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid
HAVING pg_catalog.count(*) = 1

-- name: table_partial_unique
-- Lists the conditions of the unique indexes with a condition whose columns are
-- exactly those of $3, a JSON array of names.
SELECT pg_catalog.pg_get_expr(i.indpred, i.indrelid)
FROM pg_catalog.pg_index AS i
WHERE i.indrelid = pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid
    AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NOT NULL
    AND i.indnkeyatts = pg_catalog.json_array_length($3::json)
    AND i.indnkeyatts = (
        SELECT pg_catalog.count(*)
        FROM pg_catalog.unnest(i.indkey::smallint[])
                WITH ORDINALITY AS k(attnum, place)
            JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            JOIN pg_catalog.json_array_elements_text($3::json) AS n(name)
                ON n.name = a.attname
        WHERE k.place <= i.indnkeyatts)
