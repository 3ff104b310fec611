-- name: catalog_first
-- Makes PostgreSQL search the schema pg_catalog before all others. Then the
-- types and operators of PostgreSQL are found even if another role has created
-- some with the same names. If the search_path names pg_catalog after another
-- schema, this statement removes it from the path: a pg_catalog that the path
-- does not name is searched first. The operators are written with their schema,
-- because they are looked up before the path is changed. The pattern has no
-- backslash, because standard_conforming_strings may still be off.
-- {local} is true if the path is changed until the end of the transaction only.
SELECT pg_catalog.set_config('search_path', p.others, {local})
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
-- with these names in lower case. The server cuts a name that is too long, and
-- may then find another table; the last two conditions refuse such a table.
SELECT n.nspname, c.relname,
    CASE WHEN c.relkind IN ('r', 'p', 'f') THEN 'table'
        WHEN c.relkind = 'v' THEN 'view' ELSE 'other' END,
    0, 0
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = coalesce(
    pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid,
    pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident(pg_catalog.lower($1)) || '.',
        pg_catalog.quote_ident(pg_catalog.lower($2))))::oid)
    AND c.relname::text IN ($2, pg_catalog.lower($2))
    AND ($1 IS NULL OR n.nspname::text IN ($1, pg_catalog.lower($1)))

-- name: table_names
-- Lists the tables and views of schema $1. If $1 is NULL, lists those that are
-- found without a schema in their name.
SELECT c.relname::text
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v')
    AND CASE WHEN $1::text IS NULL
        THEN pg_catalog.pg_table_is_visible(c.oid)
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        ELSE n.nspname = $1::text END
ORDER BY c.relname
LIMIT 10000

-- name: table_columns
-- Lists the columns of a table with their types. If the type of a column, or of
-- the elements of its array, is a domain (CREATE DOMAIN), the result has the
-- type on which the domain is based.
-- "operator" and "name" are set if the type belongs to an extension that also
-- has its operator "equal": the operator with its schema, such as
-- OPERATOR(public.=), and the type with its schema.
-- The next two values say how the column may change a value that it stores: the
-- innermost type (for an array that of its elements, for a range that of its
-- bounds) and its limit. The limit is the typmod, with three exceptions. For
-- the type name it is the maximum number of bytes. For money it is the number
-- of digits after the point, or -1 if the point of lc_monetary is not a dot.
-- For a composite type it is the number of members that may change a value.
-- The next value is true if the column has a text type, and two values are
-- equal only if their bytes in UTF-8 are. Then come the schema and the name of
-- the composite type of the values or, if they are arrays, of the elements. The
-- last value is the number of the column's own type, which may be a domain.
-- Planning a join of many tables takes longer than running it. So the parts
-- with joins are MATERIALIZED: the server plans each of them alone. Names come
-- from subqueries or casts in place of joins. 403 is the access method btree.
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
), equal AS MATERIALIZED (
    SELECT c.opcintype AS type,
        pg_catalog.format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace,
            o.oprname) AS operator,
        pg_catalog.format('%s.%I', t.typnamespace::regnamespace, t.typname)
            AS name
    FROM pg_catalog.pg_opclass AS c
        JOIN pg_catalog.pg_amop AS p ON p.amopfamily = c.opcfamily
            AND p.amoplefttype = c.opcintype AND p.amoprighttype = c.opcintype
        JOIN pg_catalog.pg_operator AS o ON o.oid = p.amopopr
        JOIN pg_catalog.pg_type AS t ON t.oid = c.opcintype
    WHERE c.opcmethod = 403::oid AND p.amopstrategy = 3 AND c.opcdefault
        AND o.oprnamespace <> 'pg_catalog'::regnamespace::oid
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
), change AS MATERIALIZED (
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
    WHERE t.typtype NOT IN ('d', 'r', 'm') AND t.typcategory <> 'A'
)
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
    a.attnotnull OR b.not_null,
    a.atthasdef OR a.attidentity <> '' OR b.has_default,
    CASE WHEN a.attgenerated <> '' THEN 1
        WHEN a.attidentity = 'a' THEN 2 ELSE 0 END,
    coalesce((SELECT pg_catalog.array_position(
        k.indkey::smallint[], a.attnum) + 1
        FROM pg_catalog.pg_index AS k
        WHERE k.indrelid = a.attrelid AND k.indisprimary), 0),
    CASE WHEN t.typtype IN ('r', 'm') THEN 'range' ELSE t.typname END,
    CASE WHEN i.typtype IN ('r', 'm') THEN 'range' ELSE i.typname END,
    q.operator, q.name, g.type, g.typmod,
    t.typname IN ('text', 'varchar')
        AND t.typnamespace = 'pg_catalog'::regnamespace::oid
        AND (SELECT l.collisdeterministic FROM pg_catalog.pg_collation AS l
            WHERE l.oid = a.attcollation)
        AND pg_catalog.getdatabaseencoding() = 'UTF8',
    (SELECT s.nspname FROM pg_catalog.pg_namespace AS s
        WHERE s.oid = w.relnamespace), w.relname
FROM attribute AS a
    JOIN base AS b USING (attnum)
    JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
    LEFT JOIN (element AS e
        JOIN pg_catalog.pg_type AS i ON i.oid = e.type AND i.typtype <> 'd')
        ON e.attnum = a.attnum AND t.typcategory = 'A'
    LEFT JOIN equal AS q ON q.type = b.type
    LEFT JOIN change AS g ON g.attnum = a.attnum
    LEFT JOIN pg_catalog.pg_class AS w
        ON w.oid IN (t.typrelid, i.typrelid) AND w.oid <> 0::oid
ORDER BY a.attnum

-- name: table_has_columns
-- Returns 1 if the first columns of the table have the names and types $3, a
-- text such as 'id integer,title text,', and if each key of $4 has its unique
-- index; else 0. $4 is a JSON array of keys (struct table_key), such as
-- [{"columns":["id"],"primary":false,"condition":null}]. Each batch runs this
-- statement. The table is looked up in a subquery: the plan then does not
-- depend on the table, and the server soon stops planning the statement again.
SELECT (pg_catalog.starts_with(coalesce(pg_catalog.string_agg(pg_catalog.concat(
    attname, ' ', pg_catalog.format_type(atttypid, atttypmod), ','), ''
    ORDER BY attnum), ''), $3) AND NOT EXISTS (
        SELECT
        FROM pg_catalog.jsonb_to_recordset($4::jsonb)
            AS k(columns jsonb, "primary" boolean, condition text)
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = (
                    SELECT pg_catalog.to_regclass(pg_catalog.concat(
                        pg_catalog.quote_ident($1) || '.',
                        pg_catalog.quote_ident($2)))::oid)
                AND CASE WHEN k."primary" THEN i.indisprimary
                    ELSE i.indisunique AND i.indisvalid AND i.indimmediate
                        AND coalesce(pg_catalog.pg_get_expr(
                            i.indpred, i.indrelid), '') =
                            coalesce(k.condition, '') END
                AND i.indnkeyatts = pg_catalog.jsonb_array_length(k.columns)
                AND i.indnkeyatts = (
                    SELECT pg_catalog.count(*)
                    FROM pg_catalog.unnest(i.indkey::smallint[])
                            WITH ORDINALITY AS p(attnum, place)
                        JOIN pg_catalog.pg_attribute AS a
                            ON a.attrelid = i.indrelid AND a.attnum = p.attnum
                    WHERE p.place <= i.indnkeyatts
                        AND k.columns OPERATOR(pg_catalog.?) a.attname::text)))
    )::int
FROM pg_catalog.pg_attribute
WHERE attrelid = (
        SELECT pg_catalog.to_regclass(pg_catalog.concat(
            pg_catalog.quote_ident($1) || '.',
            pg_catalog.quote_ident($2)))::oid)
    AND attnum > 0 AND NOT attisdropped

-- name: table_unique
-- Lists the columns of the unique indexes that have no condition. A row has the
-- index, the name of the column, 1 if ON CONFLICT can use the index, and the
-- number of columns of the index. The name is NULL if the index has an
-- expression in place of a column.
SELECT i.indexrelid, a.attname, (i.indisvalid AND i.indimmediate)::int,
    i.indnkeyatts::int
FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::smallint[])
        WITH ORDINALITY AS k(attnum, place)
    LEFT JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = pg_catalog.to_regclass(pg_catalog.concat(
        pg_catalog.quote_ident($1) || '.', pg_catalog.quote_ident($2)))::oid
    AND i.indisunique AND i.indpred IS NULL AND k.place <= i.indnkeyatts
ORDER BY i.indexrelid, k.place

-- name: swap_refusals
-- Lists what would be lost if --mode replace put another table in the place of
-- the table $1. The catalog pg_depend names everything that depends on the
-- table. "own" has the objects that etl-load makes again for the other table.
-- Any other object that depends on the table, or on an object in "own", would
-- be lost.
WITH t AS (
    SELECT c.*
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = $1::text::regclass::oid
), own AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS class, t.oid AS id,
        true AS is_dropped
    FROM t
    UNION SELECT 'pg_catalog.pg_type'::regclass, p.oid, true
    FROM t JOIN pg_catalog.pg_type AS p
        ON t.reltype IN (p.oid, p.typelem) AND p.typtype IN ('b', 'c')
    UNION SELECT 'pg_catalog.pg_class'::regclass, t.reltoastrelid, false FROM t
    UNION SELECT 'pg_catalog.pg_class'::regclass, i.indexrelid, true
    FROM t JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
    UNION SELECT d.classid, d.objid, d.deptype = 'i'
    FROM t JOIN pg_catalog.pg_depend AS d ON d.refobjid = t.oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
            AND d.classid = 'pg_catalog.pg_class'::regclass::oid
        JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.deptype IN ('a', 'i')
    UNION SELECT 'pg_catalog.pg_attrdef'::regclass, a.oid, true
    FROM t JOIN pg_catalog.pg_attrdef AS a ON a.adrelid = t.oid
    UNION SELECT 'pg_catalog.pg_constraint'::regclass, c.oid, true
    FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
    UNION SELECT 'pg_catalog.pg_trigger'::regclass, g.oid, true
    FROM t JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
        OR g.tgconstraint IN (SELECT c.oid FROM pg_catalog.pg_constraint AS c
            WHERE c.conrelid = t.oid)
    UNION SELECT 'pg_catalog.pg_policy'::regclass, p.oid, true
    FROM t JOIN pg_catalog.pg_policy AS p ON p.polrelid = t.oid
    UNION SELECT 'pg_catalog.pg_statistic_ext'::regclass, s.oid, true
    FROM t JOIN pg_catalog.pg_statistic_ext AS s ON s.stxrelid = t.oid
    UNION SELECT 'pg_catalog.pg_publication_rel'::regclass, p.oid, true
    FROM t JOIN pg_catalog.pg_publication_rel AS p ON p.prrelid = t.oid
), granted AS (
    SELECT 'the table' AS what, t.relowner AS owner, t.relacl AS acl FROM t
    UNION ALL SELECT 'column ' || pg_catalog.quote_ident(a.attname),
        t.relowner, a.attacl
    FROM t JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
    UNION ALL SELECT 'sequence ' || s.oid::regclass::text, s.relowner, s.relacl
    FROM own JOIN pg_catalog.pg_class AS s ON s.oid = own.id
        AND own.class = 'pg_catalog.pg_class'::regclass::oid AND s.relkind = 'S'
)
SELECT DISTINCT CASE WHEN r.ev_class IS NULL OR r.ev_class = t.oid
    THEN pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
    ELSE pg_catalog.pg_describe_object(
        'pg_catalog.pg_class'::regclass, r.ev_class, 0) END
    || ', which depends on the table' AS what
FROM t CROSS JOIN own
    JOIN pg_catalog.pg_depend AS d
        ON d.refclassid = own.class AND d.refobjid = own.id
    LEFT JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
        AND d.classid = 'pg_catalog.pg_rewrite'::regclass::oid
WHERE own.is_dropped
    AND NOT EXISTS (SELECT FROM own AS o WHERE o.class = d.classid
        AND o.id = d.objid)
UNION SELECT 'the dependence of '
    || pg_catalog.pg_describe_object(d.classid, d.objid, 0) || ' on '
    || pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
FROM own JOIN pg_catalog.pg_depend AS d
    ON d.classid = own.class AND d.objid = own.id
WHERE d.deptype IN ('e', 'x')
UNION SELECT 'the kind of the table: it is a '
    || CASE t.relkind WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
        WHEN 'f' THEN 'foreign table' ELSE 'temporary table' END
FROM t WHERE t.relkind <> 'r' OR t.relpersistence = 't'
UNION SELECT 'type ' || pg_catalog.format_type(t.reloftype, NULL)
    || ', of which the table is'
FROM t WHERE t.reloftype <> 0::oid
UNION SELECT 'inheritance: table ' || i.inhrelid::regclass::text
    || ' inherits from ' || i.inhparent::regclass::text
FROM t JOIN pg_catalog.pg_inherits AS i
    ON t.oid IN (i.inhrelid, i.inhparent)
UNION SELECT 'subscription ' || pg_catalog.quote_ident(s.subname)
FROM t JOIN pg_catalog.pg_subscription_rel AS r ON r.srrelid = t.oid
    JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid
UNION SELECT 'publication ' || pg_catalog.quote_ident(p.pubname)
    || ', which another role owns'
FROM t JOIN pg_catalog.pg_publication_rel AS r ON r.prrelid = t.oid
    JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
WHERE NOT pg_catalog.pg_has_role(p.pubowner, 'USAGE')
UNION SELECT 'publication ' || pg_catalog.quote_ident(p.pubname)
    || ' of all tables or of a schema: it would publish the rows of the '
    || 'new table under another name'
FROM t CROSS JOIN pg_catalog.pg_publication AS p
WHERE p.pubinsert AND t.relpersistence = 'p' AND (p.puballtables
    OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace AS n
        WHERE n.pnpubid = p.oid AND n.pnnspid = t.relnamespace))
UNION SELECT 'the security label of '
    || pg_catalog.pg_describe_object(s.classoid, s.objoid, s.objsubid)
FROM own JOIN pg_catalog.pg_seclabel AS s
    ON s.classoid = own.class AND s.objoid = own.id
UNION SELECT 'the comment or the rights of the row type of the table'
FROM t JOIN pg_catalog.pg_type AS p ON p.oid = t.reltype
WHERE p.typacl IS NOT NULL OR pg_catalog.obj_description(
    p.oid, 'pg_type') IS NOT NULL
UNION SELECT 'index ' || i.indexrelid::regclass::text || ', which is invalid'
FROM t JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
WHERE NOT i.indisvalid
UNION SELECT 'the rights to ' || g.what || ' that role '
    || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantor))
    || ' granted'
FROM granted AS g CROSS JOIN LATERAL pg_catalog.aclexplode(g.acl) AS x
WHERE x.grantor <> g.owner
UNION SELECT 'constraint ' || pg_catalog.quote_ident(c.conname)
    || ', which does not check every row: its trigger was disabled or changed'
FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
    JOIN pg_catalog.pg_trigger AS g ON g.tgconstraint = c.oid
WHERE g.tgisinternal AND g.tgenabled <> 'O'
UNION SELECT 'row policies that hold for this role too'
FROM t WHERE t.relrowsecurity AND t.relkind = 'r'
    AND pg_catalog.row_security_active(t.oid)
ORDER BY what

-- name: swap_statements
-- Returns the statements of part $3 that put another table in the place of the
-- table $1. The other table is in the same schema; $2 is its name until then.
-- Part 1 creates it, before rows are loaded. Part 2 creates its indexes and
-- foreign keys. Part 3 drops the old table, and gives the other table its name
-- and all that belongs to it. Part 4 corrects the messages of errors during the
-- load: it replaces the temporary names in them by the final ones.
-- The search_path must be pg_catalog alone: then PostgreSQL writes every other
-- schema into the definitions that it returns.
WITH t AS (
    SELECT c.*, n.nspname, pg_catalog.pg_get_userbyid(c.relowner) AS owner,
        pg_catalog.format('%I.%I', n.nspname, c.relname) AS old,
        pg_catalog.format('%I.%I', n.nspname, $2::text) AS new
    FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = $1::text::regclass::oid
), a AS (
    SELECT x.*, x.attstattarget::int AS target,
        pg_catalog.quote_ident(x.attname) AS name
    FROM t JOIN pg_catalog.pg_attribute AS x ON x.attrelid = t.oid
    WHERE x.attnum > 0 AND NOT x.attisdropped
), i AS (
    SELECT x.*, k.relname, k.reloptions, coalesce(s.spcname, '') AS space,
        pg_catalog.format('%s_%s', $2, pg_catalog.row_number()
            OVER (ORDER BY x.indexrelid)) AS new_name,
        pg_catalog.substr(pg_catalog.pg_get_indexdef(x.indexrelid),
            pg_catalog.length(pg_catalog.format('CREATE %sINDEX %I ON %s ',
            CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, k.relname,
            t.old)) + 1) AS def,
        c.contype, c.condeferrable, c.condeferred,
        pg_catalog.pg_get_constraintdef(c.oid) AS constraint_def
    FROM t JOIN pg_catalog.pg_index AS x ON x.indrelid = t.oid
        JOIN pg_catalog.pg_class AS k ON k.oid = x.indexrelid
        LEFT JOIN pg_catalog.pg_tablespace AS s ON s.oid = k.reltablespace
        LEFT JOIN pg_catalog.pg_constraint AS c ON c.conindid = x.indexrelid
            AND c.conrelid = t.oid AND c.contype IN ('p', 'u', 'x')
), f AS (
    SELECT c.*, pg_catalog.regexp_replace(CASE WHEN c.confrelid = c.conrelid
        THEN pg_catalog.replace(pg_catalog.pg_get_constraintdef(c.oid),
            ' REFERENCES ' || t.old || '(', ' REFERENCES ' || t.new || '(')
        ELSE pg_catalog.pg_get_constraintdef(c.oid) END, ' NOT VALID$', '')
        AS def
    FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
    WHERE c.contype = 'f'
), s AS (
    SELECT k.*, d.deptype, a.name AS column_name,
        pg_catalog.format('%I.%I', t.nspname, k.relname) AS old,
        pg_catalog.format_type(q.seqtypid, NULL) AS type,
        CASE WHEN $3::bigint = 3 AND d.deptype = 'i' THEN
            pg_catalog.pg_get_serial_sequence(t.new, a.attname) END AS new,
        q.seqincrement > 0 AS ascends
    FROM t JOIN a ON true
        JOIN pg_catalog.pg_depend AS d ON d.refobjid = t.oid
            AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
            AND d.classid = 'pg_catalog.pg_class'::regclass::oid
        JOIN pg_catalog.pg_class AS k ON k.oid = d.objid AND k.relkind = 'S'
        JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = k.oid
), g AS (
    SELECT x.*, pg_catalog.pg_get_triggerdef(x.oid) AS def
    FROM t JOIN pg_catalog.pg_trigger AS x ON x.tgrelid = t.oid
    WHERE NOT x.tgisinternal
), acl AS (
    SELECT 1 AS kind, 'TABLE ' || t.old AS object, '' AS columns, t.relacl,
        pg_catalog.acldefault('r', t.relowner) AS usual,
        n.relacl AS found, t.relowner
    FROM t LEFT JOIN pg_catalog.pg_class AS n
        ON n.oid = pg_catalog.to_regclass(t.new)::oid
    UNION ALL SELECT 2, 'SEQUENCE ' || s.old, '', s.relacl,
        pg_catalog.acldefault('s', s.relowner), n.relacl, s.relowner
    FROM s JOIN pg_catalog.pg_class AS n
        ON n.oid = pg_catalog.to_regclass(s.new)::oid
    WHERE s.deptype = 'i'
    UNION ALL SELECT 3, 'TABLE ' || t.old, ' (' || a.name || ')', a.attacl,
        NULL, NULL, t.relowner
    FROM t JOIN a ON a.attacl IS NOT NULL
), statement AS (
    SELECT 1 AS part, 10 AS place, 0::oid AS id, pg_catalog.format(
        'SELECT pg_catalog.set_config(''default_tablespace'', %L, true); '
        'CREATE %sTABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED '
        'INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMPRESSION) USING %I',
        coalesce(p.spcname, ''), CASE t.relpersistence WHEN 'u' THEN 'UNLOGGED '
        ELSE '' END, t.new, t.old, m.amname)
        || CASE WHEN t.owner = current_user THEN '' ELSE pg_catalog.format(
        '; ALTER TABLE %s OWNER TO %I', t.new, t.owner) END AS text
    FROM t LEFT JOIN pg_catalog.pg_tablespace AS p ON p.oid = t.reltablespace
        LEFT JOIN pg_catalog.pg_am AS m ON m.oid = t.relam
    UNION ALL SELECT 1, 11, x.n::oid, pg_catalog.format(
        'ALTER TABLE %s SET (%s%I=%L)', t.new, o.prefix, x.name, x.value)
    FROM t LEFT JOIN pg_catalog.pg_class AS k ON k.oid = t.reltoastrelid
        CROSS JOIN LATERAL (VALUES ('', t.reloptions), ('toast.', k.reloptions))
            AS o(prefix, options)
        CROSS JOIN LATERAL pg_catalog.pg_options_to_table(o.options)
            WITH ORDINALITY AS x(name, value, n)
    UNION ALL SELECT 1, 12, 0, pg_catalog.format(
        'ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %s', t.new, a.name,
        a.target)
    FROM t JOIN a ON a.target >= 0
    UNION ALL SELECT 1, 13, x.n::oid, pg_catalog.format(
        'ALTER TABLE %s ALTER COLUMN %s SET (%I=%L)', t.new, a.name, x.name,
        x.value)
    FROM t JOIN a ON true
        CROSS JOIN LATERAL pg_catalog.pg_options_to_table(a.attoptions)
            WITH ORDINALITY AS x(name, value, n)
    WHERE x.name IN ('n_distinct', 'n_distinct_inherited')
    UNION ALL SELECT 1, 14, c.oid, pg_catalog.format(
        'ALTER TABLE %s ADD CONSTRAINT %I %s', t.new, c.conname,
        pg_catalog.pg_get_constraintdef(c.oid))
    FROM t JOIN pg_catalog.pg_constraint AS c
        ON c.conrelid = t.oid AND c.contype = 'c'
    UNION ALL SELECT 1, 15, s.oid, pg_catalog.format(
        'SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%L, %L), '
        'last_value, is_called) FROM %s', t.new, a.attname, s.old)
    FROM t JOIN a ON a.attidentity <> '' JOIN s ON s.column_name = a.name
        AND s.deptype = 'i'
    UNION ALL SELECT 1, 16, g.oid, pg_catalog.replace(
        g.def, ' ON ' || t.old || ' ', ' ON ' || t.new || ' ')
        || pg_catalog.format('; ALTER TABLE %s %s TRIGGER %I', t.new,
        CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
            WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, g.tgname)
    FROM t JOIN g ON true
    UNION ALL SELECT 2, 20, i.indexrelid, pg_catalog.format(
        'SELECT pg_catalog.set_config(''default_tablespace'', %L, true); ',
        i.space)
        || CASE WHEN i.contype = 'x' THEN pg_catalog.format(
        'ALTER TABLE %s ADD CONSTRAINT %I %s', t.new, i.new_name,
        i.constraint_def)
        ELSE pg_catalog.format('CREATE %sINDEX %I ON %s %s', CASE WHEN
        i.indisunique THEN 'UNIQUE ' ELSE '' END, i.new_name, t.new, i.def) END
        || CASE WHEN i.contype IN ('p', 'u') THEN pg_catalog.format(
        '; ALTER TABLE %s ADD CONSTRAINT %I %s USING INDEX %I%s%s', t.new,
        i.new_name, CASE i.contype WHEN 'p' THEN 'PRIMARY KEY'
        ELSE 'UNIQUE' END, i.new_name, CASE WHEN i.condeferrable THEN
        ' DEFERRABLE' ELSE '' END, CASE WHEN i.condeferred THEN
        ' INITIALLY DEFERRED' ELSE '' END) ELSE '' END
        || CASE WHEN i.indisclustered THEN pg_catalog.format(
        '; ALTER TABLE %s CLUSTER ON %I', t.new, i.new_name) ELSE '' END
        || CASE WHEN i.indisreplident THEN pg_catalog.format(
        '; ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', t.new, i.new_name)
        ELSE '' END
    FROM t JOIN i ON true
    UNION ALL SELECT 2, 21, x.n::oid, pg_catalog.format(
        'ALTER INDEX %I.%I SET (%I=%L)', t.nspname, i.new_name, x.name, x.value)
    FROM t JOIN i ON i.contype = 'x'
        CROSS JOIN LATERAL pg_catalog.pg_options_to_table(i.reloptions)
            WITH ORDINALITY AS x(name, value, n)
    UNION ALL SELECT 2, 22, i.indexrelid, pg_catalog.format(
        'ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', t.nspname,
        i.new_name, x.attnum, x.attstattarget)
    FROM t JOIN i ON true JOIN pg_catalog.pg_attribute AS x
        ON x.attrelid = i.indexrelid AND x.attstattarget >= 0
    UNION ALL SELECT 2, 23, f.oid, pg_catalog.format(
        'ALTER TABLE %s ADD CONSTRAINT %I %s', t.new, f.conname, f.def)
        || CASE WHEN f.convalidated THEN '' ELSE pg_catalog.format(
        '; ALTER TABLE %s DROP CONSTRAINT %I; ALTER TABLE %s ADD CONSTRAINT '
        '%I %s NOT VALID', t.new, f.conname, t.new, f.conname, f.def) END
    FROM t JOIN f ON true
    UNION ALL SELECT 3, 30, s.oid, CASE s.deptype WHEN 'a' THEN
        pg_catalog.format('ALTER SEQUENCE %s OWNED BY NONE', s.old)
        ELSE pg_catalog.format('ALTER SEQUENCE %s AS %s; '
        'SELECT pg_catalog.setval(%L, o.last_value, '
        'o.is_called) FROM %s AS o, %s AS n WHERE o.last_value %s n.last_value '
        'OR (o.last_value = n.last_value AND o.is_called)', s.new, s.type,
        s.new, s.old, s.new, CASE WHEN s.ascends THEN '>' ELSE '<' END) END
    FROM s
    UNION ALL SELECT 3, 31, 0, pg_catalog.format(
        'DROP TABLE %s; ALTER TABLE %s RENAME TO %I', t.old, t.new, t.relname)
    FROM t
    UNION ALL SELECT 3, 32, i.indexrelid, pg_catalog.format(
        'ALTER INDEX %I.%I RENAME TO %I', t.nspname, i.new_name, i.relname)
    FROM t JOIN i ON true
    UNION ALL SELECT 3, 33, s.oid, CASE s.deptype WHEN 'a' THEN
        pg_catalog.format('ALTER SEQUENCE %s OWNED BY %s.%s', s.old, t.old,
        s.column_name)
        ELSE pg_catalog.format('ALTER SEQUENCE %s RENAME TO %I', s.new,
        s.relname) END
    FROM t JOIN s ON true
    UNION ALL SELECT 3, 34, 0, pg_catalog.format(
        'ALTER TABLE %s REPLICA IDENTITY %s', t.old,
        CASE t.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
    FROM t WHERE t.relreplident IN ('f', 'n')
    UNION ALL SELECT 3, 35, p.oid, pg_catalog.format(
        'CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, t.old,
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
            WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        (SELECT pg_catalog.string_agg(CASE r.id WHEN 0::oid THEN 'PUBLIC' ELSE
            pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.id)) END, ', ')
            FROM pg_catalog.unnest(p.polroles) AS r(id)),
        ' USING (' || pg_catalog.pg_get_expr(p.polqual, t.oid) || ')',
        ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, t.oid) || ')')
    FROM t JOIN pg_catalog.pg_policy AS p ON p.polrelid = t.oid
    UNION ALL SELECT 3, 36, 0, pg_catalog.format(
        'ALTER TABLE %s %s ROW LEVEL SECURITY', t.old, w.what)
    FROM t JOIN (VALUES ('ENABLE'), ('FORCE')) AS w(what) ON CASE w.what
        WHEN 'FORCE' THEN t.relforcerowsecurity ELSE t.relrowsecurity END
    UNION ALL SELECT 3, 37, x.oid, pg_catalog.pg_get_statisticsobjdef(x.oid)
        || CASE WHEN x.stxstattarget >= 0 THEN pg_catalog.format(
        '; ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, x.stxname,
        x.stxstattarget) ELSE '' END
        || CASE WHEN pg_catalog.pg_get_userbyid(x.stxowner) = current_user
        THEN '' ELSE pg_catalog.format('; ALTER STATISTICS %I.%I OWNER TO %I',
        n.nspname, x.stxname, pg_catalog.pg_get_userbyid(x.stxowner)) END
    FROM t JOIN pg_catalog.pg_statistic_ext AS x ON x.stxrelid = t.oid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.stxnamespace
    UNION ALL SELECT 3, 38, 0, pg_catalog.format('REVOKE ALL ON %s FROM %s',
        acl.object, pg_catalog.string_agg(DISTINCT CASE x.grantee
        WHEN 0::oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
        pg_catalog.pg_get_userbyid(x.grantee)) END, ', '))
    FROM acl CROSS JOIN LATERAL pg_catalog.aclexplode(
        coalesce(acl.found, acl.usual)) AS x
    WHERE acl.relacl IS NOT NULL OR acl.found IS NOT NULL
    GROUP BY acl.object
    UNION ALL SELECT 3, 39, x.n::oid, pg_catalog.format(
        'GRANT %s%s ON %s TO %s%s', x.right_name, acl.columns, acl.object,
        CASE x.grantee WHEN 0::oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
        pg_catalog.pg_get_userbyid(x.grantee)) END,
        CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM acl CROSS JOIN LATERAL pg_catalog.aclexplode(
        coalesce(acl.relacl, acl.usual)) WITH ORDINALITY
        AS x(grantor, grantee, right_name, is_grantable, n)
    WHERE acl.relacl IS NOT NULL OR acl.found IS NOT NULL
    UNION ALL SELECT 3, 40, r.oid, pg_catalog.format(
        'ALTER PUBLICATION %I ADD TABLE %s%s%s', p.pubname, t.old,
        (SELECT ' (' || pg_catalog.string_agg(a.name, ', ') || ')' FROM a
            WHERE a.attnum = ANY (r.prattrs::smallint[])),
        ' WHERE (' || pg_catalog.pg_get_expr(r.prqual, t.oid) || ')')
    FROM t JOIN pg_catalog.pg_publication_rel AS r ON r.prrelid = t.oid
        JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
    UNION ALL SELECT 3, 41, c.id, pg_catalog.format('COMMENT ON %s IS %L',
        c.what, d.description)
    FROM (SELECT 'pg_class' AS class, t.oid AS id, 0 AS place,
            'TABLE ' || t.old AS what FROM t
        UNION ALL SELECT 'pg_class', t.oid, a.attnum,
            'COLUMN ' || t.old || '.' || a.name FROM t JOIN a ON true
        UNION ALL SELECT 'pg_class', i.indexrelid, 0, pg_catalog.format(
            'INDEX %I.%I', t.nspname, i.relname) FROM t JOIN i ON true
        UNION ALL SELECT 'pg_class', s.oid, 0, 'SEQUENCE ' || s.old FROM s
            WHERE s.deptype = 'i'
        UNION ALL SELECT 'pg_constraint', c.oid, 0, pg_catalog.format(
            'CONSTRAINT %I ON %s', c.conname, t.old)
            FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
        UNION ALL SELECT 'pg_trigger', g.oid, 0, pg_catalog.format(
            'TRIGGER %I ON %s', g.tgname, t.old) FROM t JOIN g ON true
        UNION ALL SELECT 'pg_policy', p.oid, 0, pg_catalog.format(
            'POLICY %I ON %s', p.polname, t.old)
            FROM t JOIN pg_catalog.pg_policy AS p ON p.polrelid = t.oid
        UNION ALL SELECT 'pg_statistic_ext', x.oid, 0, pg_catalog.format(
            'STATISTICS %I.%I', n.nspname, x.stxname)
            FROM t JOIN pg_catalog.pg_statistic_ext AS x ON x.stxrelid = t.oid
            JOIN pg_catalog.pg_namespace AS n ON n.oid = x.stxnamespace
        ) AS c(class, id, place, what)
        JOIN pg_catalog.pg_description AS d ON d.objoid = c.id
            AND d.objsubid = c.place
            AND d.classoid = ('pg_catalog.' || c.class)::regclass::oid
    UNION ALL SELECT 4, 50, n.id, pg_catalog.format(
        'UPDATE pg_temp.etl_load_found SET message = pg_catalog.replace('
        'message, %L, %L), con = CASE con WHEN %L THEN %L ELSE con END',
        '"' || n.new || '"', '"' || n.old || '"', n.new, n.old)
    FROM (SELECT t.oid AS id, $2::text AS new, t.relname::text AS old FROM t
        UNION ALL SELECT i.indexrelid, i.new_name, i.relname FROM i) AS n
)
SELECT text
FROM statement
WHERE part = $3::bigint
ORDER BY place, id, text

-- name: swap_description
-- Describes the table $1, a line for each of its properties. The lines of two
-- tables with the same name and properties are equal. The lines that begin with
-- "table: " or "column " hold what does not depend on the name, and what a new
-- table has before it gets its indexes.
-- Of a column's options only those count that a user can set: a server may
-- keep options of its own there, which differ from table to table.
WITH t AS (
    SELECT c.*, coalesce(k.reloptions, '{}') AS toast_options
    FROM pg_catalog.pg_class AS c
        LEFT JOIN pg_catalog.pg_class AS k ON k.oid = c.reltoastrelid
    WHERE c.oid = $1::text::regclass::oid
), s AS (
    SELECT k.*, d.deptype, d.refobjsubid
    FROM t JOIN pg_catalog.pg_depend AS d ON d.refobjid = t.oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
            AND d.classid = 'pg_catalog.pg_class'::regclass::oid
            AND d.deptype IN ('a', 'i')
        JOIN pg_catalog.pg_class AS k ON k.oid = d.objid AND k.relkind = 'S'
), acl AS (
    SELECT 'the table' AS what, coalesce(t.relacl,
        pg_catalog.acldefault('r', t.relowner)) AS acl FROM t
    UNION ALL SELECT 'column ' || pg_catalog.quote_ident(a.attname), a.attacl
    FROM t JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
    UNION ALL SELECT 'sequence ' || s.relname::text, coalesce(s.relacl,
        pg_catalog.acldefault('s', s.relowner)) FROM s
), own AS (
    SELECT 'pg_class' AS class, t.oid AS id FROM t
    UNION ALL SELECT 'pg_class', i.indexrelid
    FROM t JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
    UNION ALL SELECT 'pg_class', s.oid FROM s
    UNION ALL SELECT 'pg_constraint', c.oid
    FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
    UNION ALL SELECT 'pg_trigger', g.oid
    FROM t JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
    UNION ALL SELECT 'pg_policy', p.oid
    FROM t JOIN pg_catalog.pg_policy AS p ON p.polrelid = t.oid
    UNION ALL SELECT 'pg_statistic_ext', x.oid
    FROM t JOIN pg_catalog.pg_statistic_ext AS x ON x.stxrelid = t.oid
)
SELECT pg_catalog.concat_ws(' ', 'table: kind', t.relkind, 'stored',
    t.relpersistence, 'owner', pg_catalog.pg_get_userbyid(t.relowner),
    'method', t.relam, 'tablespace', t.reltablespace, 'options', (
        SELECT pg_catalog.string_agg(x.word, ' ' ORDER BY x.word)
        FROM pg_catalog.unnest(t.reloptions) AS x(word)), 'toast options', (
        SELECT pg_catalog.string_agg(x.word, ' ' ORDER BY x.word)
        FROM pg_catalog.unnest(t.toast_options) AS x(word))) AS line
FROM t
UNION ALL SELECT pg_catalog.concat_ws(' ', 'row security', t.relrowsecurity,
    t.relforcerowsecurity, 'identity', t.relreplident)
FROM t
UNION ALL SELECT pg_catalog.concat_ws(' ', 'column',
    pg_catalog.row_number() OVER (ORDER BY a.attnum), a.attname,
    pg_catalog.format_type(a.atttypid, a.atttypmod), 'collation',
    a.attcollation, 'not null', a.attnotnull, 'identity', a.attidentity,
    'generated', a.attgenerated, 'storage', a.attstorage, a.attcompression,
    'statistics', coalesce(a.attstattarget, -1), 'options', (
        SELECT pg_catalog.string_agg(pg_catalog.concat_ws('=', x.name, x.value),
            ' ' ORDER BY x.name)
        FROM pg_catalog.pg_options_to_table(a.attoptions) AS x(name, value)
        WHERE x.name IN ('n_distinct', 'n_distinct_inherited')),
    'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid))
FROM t JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
    AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = t.oid
        AND d.adnum = a.attnum
UNION ALL SELECT pg_catalog.concat_ws(' ', 'index',
    pg_catalog.pg_get_indexdef(i.indexrelid), 'clustered', i.indisclustered,
    'replica identity', i.indisreplident, 'immediate', i.indimmediate, 'valid',
    i.indisvalid, 'tablespace', k.reltablespace, 'options', k.reloptions,
    'statistics', (SELECT pg_catalog.string_agg(
        coalesce(a.attstattarget, -1)::text, ' ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = i.indexrelid))
FROM t JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
    JOIN pg_catalog.pg_class AS k ON k.oid = i.indexrelid
UNION ALL SELECT pg_catalog.concat_ws(' ', 'constraint', c.conname,
    pg_catalog.pg_get_constraintdef(c.oid), 'valid', c.convalidated)
FROM t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
UNION ALL SELECT pg_catalog.concat_ws(' ',
    pg_catalog.pg_get_triggerdef(g.oid), 'enabled', g.tgenabled)
FROM t JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
WHERE NOT g.tgisinternal
UNION ALL SELECT pg_catalog.concat_ws(' ', 'policy', p.polname, p.polcmd,
    p.polpermissive, 'to', (SELECT pg_catalog.string_agg(r.id::text, ' '
        ORDER BY r.id) FROM pg_catalog.unnest(p.polroles) AS r(id)), 'using',
    pg_catalog.pg_get_expr(p.polqual, t.oid), 'check',
    pg_catalog.pg_get_expr(p.polwithcheck, t.oid))
FROM t JOIN pg_catalog.pg_policy AS p ON p.polrelid = t.oid
UNION ALL SELECT pg_catalog.concat_ws(' ',
    pg_catalog.pg_get_statisticsobjdef(x.oid), 'target',
    coalesce(x.stxstattarget, -1), 'owner', x.stxowner)
FROM t JOIN pg_catalog.pg_statistic_ext AS x ON x.stxrelid = t.oid
UNION ALL SELECT pg_catalog.concat_ws(' ', 'publication', p.pubname, (
    SELECT pg_catalog.string_agg(a.attname, ' ' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.oid
        AND a.attnum = ANY (r.prattrs::smallint[])),
    pg_catalog.pg_get_expr(r.prqual, t.oid))
FROM t JOIN pg_catalog.pg_publication_rel AS r ON r.prrelid = t.oid
    JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
UNION ALL SELECT pg_catalog.concat_ws(' ', 'right to', acl.what, x.grantor,
    x.grantee, x.privilege_type, x.is_grantable)
FROM acl CROSS JOIN LATERAL pg_catalog.aclexplode(acl.acl) AS x
UNION ALL SELECT pg_catalog.concat_ws(' ', 'sequence', s.relname, s.deptype,
    s.relowner, s.relpersistence, pg_catalog.format_type(q.seqtypid, NULL),
    q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle,
    'of', a.attname)
FROM t JOIN s ON true JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = s.oid
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
        AND a.attnum = s.refobjsubid
UNION ALL SELECT pg_catalog.concat_ws(' ', 'comment',
    pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid),
    d.description)
FROM own JOIN pg_catalog.pg_description AS d ON d.objoid = own.id
    AND d.classoid = ('pg_catalog.' || own.class)::regclass::oid
ORDER BY line

-- name: table_partial_unique
-- Lists the conditions of the unique indexes that have a condition, and whose
-- columns are exactly those of $3, a JSON array of names.
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

-- name: table_referring
-- Finds a table that deleting rows of the table $1 (or of one of its
-- partitions) would change or break, because of a foreign key: the key has an
-- action such as ON DELETE CASCADE, or it is deferred. If $2 is not 0, a
-- foreign key of the table to itself does not count. If $3 is not 0, every
-- foreign key counts, because TRUNCATE refuses the table. Returns the table and
-- how its foreign key is declared.
WITH r AS (
    SELECT $1::text::regclass::oid AS id
    UNION SELECT relid::oid
    FROM pg_catalog.pg_partition_tree($1::text::regclass)
)
SELECT c.conrelid::regclass::text,
    CASE WHEN $3::bigint <> 0 THEN 'any action, which TRUNCATE refuses'
        WHEN c.confdeltype = 'c' THEN 'ON DELETE CASCADE'
        WHEN c.confdeltype = 'n' THEN 'ON DELETE SET NULL'
        WHEN c.confdeltype = 'd' THEN 'ON DELETE SET DEFAULT'
        ELSE 'INITIALLY DEFERRED' END
FROM pg_catalog.pg_constraint AS c
    JOIN r ON r.id = c.confrelid
WHERE c.contype = 'f'
    AND ($3::bigint <> 0 OR c.confdeltype IN ('c', 'n', 'd') OR c.condeferred)
    AND ($2::bigint = 0 OR c.conrelid NOT IN (SELECT id FROM r))
LIMIT 1

-- name: table_inheriting
-- Finds a table that inherits from the table $1. A partition does not count:
-- its rows belong to $1.
SELECT i.inhrelid::regclass::text
FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhparent
WHERE c.oid = $1::text::regclass::oid AND c.relkind = 'r'
LIMIT 1

-- name: table_cascades
-- Lists the foreign keys to the table $1 that change or delete rows if rows of
-- $1 are deleted. A row has the table with the foreign key, once as SQL with
-- its schema, all in quotes, and once as a name; the action; and the SQL
-- condition that a row "etl.r" of that table refers to the row "etl.t" of $1.
SELECT pg_catalog.concat('"', pg_catalog.replace(rn.nspname::text, '"', '""'),
        '"."', pg_catalog.replace(rc.relname::text, '"', '""'), '"'),
    c.conrelid::regclass::text,
    CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
        ELSE 'SET DEFAULT' END,
    (SELECT pg_catalog.string_agg(pg_catalog.format(
            '"etl.t".%I OPERATOR(%I.%s) "etl.r".%I',
            t.attname, n.nspname, o.oprname, r.attname), ' AND ')
        FROM ROWS FROM (pg_catalog.unnest(c.confkey),
                pg_catalog.unnest(c.conkey),
                pg_catalog.unnest(c.conpfeqop)) AS k(t, r, o)
            JOIN pg_catalog.pg_attribute AS t
                ON t.attrelid = c.confrelid AND t.attnum = k.t
            JOIN pg_catalog.pg_attribute AS r
                ON r.attrelid = c.conrelid AND r.attnum = k.r
            JOIN pg_catalog.pg_operator AS o ON o.oid = k.o
            JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace)
FROM pg_catalog.pg_constraint AS c
    JOIN pg_catalog.pg_class AS rc ON rc.oid = c.conrelid
    JOIN pg_catalog.pg_namespace AS rn ON rn.oid = rc.relnamespace
WHERE c.contype = 'f' AND c.confrelid = $1::text::regclass::oid
    AND c.confdeltype IN ('c', 'n', 'd')
ORDER BY c.conrelid, c.conname

-- name: table_has_truncate_right
-- Returns 1 if the role of the session may TRUNCATE the table $1.
SELECT pg_catalog.has_table_privilege($1::text::regclass, 'TRUNCATE')::int

-- name: table_hides_rows
-- Returns 1 if row policies may hide rows of the table $1 from the role.
SELECT pg_catalog.row_security_active($1::text::regclass)::int

-- name: table_is_owned
-- Returns 1 if the role of the session has the rights of the owner of table $1.
SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE')::int
FROM pg_catalog.pg_class AS c
WHERE c.oid = $1::text::regclass::oid

-- name: swap_restrict_path
-- Notes search_path and default_tablespace until the end of the transaction,
-- and sets a path on which only PostgreSQL's own objects are found.
SELECT pg_catalog.set_config('etl.search_path',
        pg_catalog.current_setting('search_path'), true),
    pg_catalog.set_config('etl.default_tablespace',
        pg_catalog.current_setting('default_tablespace'), true),
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)

-- name: swap_restore_path
-- Sets search_path and default_tablespace as swap_restrict_path has noted them.
SELECT pg_catalog.set_config('search_path',
        pg_catalog.current_setting('etl.search_path'), true),
    pg_catalog.set_config('default_tablespace',
        pg_catalog.current_setting('etl.default_tablespace'), true)

-- name: swap_limit_wait
-- While this session waits for the lock of the table, other sessions that want
-- to read the table wait behind it. So a wait is limited to 2 seconds. After
-- that the others can read, before this session tries again. The server looks
-- for a deadlock after 1 second, so it is still found.
SAVEPOINT etl_swap;
SELECT pg_catalog.set_config('etl.lock_timeout',
        pg_catalog.current_setting('lock_timeout'), true),
    pg_catalog.set_config('lock_timeout', '2s', true)

-- name: swap_end_wait
-- Sets lock_timeout as it was before swap_limit_wait.
SELECT pg_catalog.set_config('lock_timeout',
    pg_catalog.current_setting('etl.lock_timeout'), true);
RELEASE SAVEPOINT etl_swap

-- name: swap_patience
-- Returns for how many milliseconds the loader tries to get the lock: the
-- lock_timeout of the session, or a minute if that is 0.
SELECT CASE setting WHEN '0' THEN 60000 ELSE setting::int END
FROM pg_catalog.pg_settings
WHERE name = 'lock_timeout'

-- name: table_traits
-- Returns what decides how rows are loaded into the table $1. $2 is a JSON
-- array of the columns of its key. The first value is 2 if a constraint of the
-- table is deferred; 1 if only constraints of other tables are; else 0. The
-- second value is the number of the advisory lock of the table: "etl" in its
-- upper half, the oid in its lower half. The third value is the sum of these
-- numbers:
--  1 if the table has a trigger FOR EACH ROW that runs AFTER the statement;
--  2 if the order of records matters, because of a trigger FOR EACH ROW, or of
--    a unique index with a predicate or an expression: it can use any column,
--    so it is not known which update frees a value. An index that has all
--    columns of the key does not count: rows with different keys are never
--    equal in it;
--  4 if the table has a foreign key to itself;
--  8 if the table may refuse a record because of its values;
-- 16 if a column has a domain as its type.
-- The last value is the array "r" as a text, for table_indexed_columns.
-- Bit 1 of tgtype is FOR EACH ROW, bit 2 is BEFORE, and bit 64 is INSTEAD OF.
-- The triggers of foreign keys are internal.
-- "r" has the table itself and its partitions. If $1 is a view, it also has the
-- tables and views that the view reads. It is an array, because the server then
-- looks up each table with an index.
WITH RECURSIVE v AS (
    SELECT $1::text::regclass::oid AS id
    UNION
    SELECT d.refobjid
    FROM v
        JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = v.id AND w.ev_type = '1'
        JOIN pg_catalog.pg_depend AS d ON d.objid = w.oid
            AND d.classid = 'pg_catalog.pg_rewrite'::regclass::oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
), r AS MATERIALIZED (
    SELECT ARRAY(
        SELECT id FROM v
        UNION ALL
        SELECT p.relid::oid
        FROM v
            CROSS JOIN LATERAL pg_catalog.pg_partition_tree(v.id::regclass) AS p
    ) AS ids
)
SELECT coalesce((
        SELECT pg_catalog.max(CASE g.tgrelid
            WHEN $1::text::regclass::oid THEN 2 ELSE 1 END)
        FROM pg_catalog.pg_trigger AS g
        WHERE g.tginitdeferred
    ), 0),
    6648940::int8 << 32 | $1::text::regclass::oid::int8,
    CASE WHEN EXISTS (
        SELECT
        FROM pg_catalog.pg_trigger AS g
        WHERE g.tgrelid = ANY (r.ids) AND NOT g.tgisinternal
            AND g.tgtype::int & 67 = 1
    ) THEN 1 ELSE 0 END
    + CASE WHEN EXISTS (
        SELECT
        FROM pg_catalog.pg_trigger AS g
        WHERE g.tgrelid = ANY (r.ids) AND NOT g.tgisinternal
            AND g.tgtype::int & 1 = 1
    ) OR EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = ANY (r.ids)
            AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
            AND (i.indisexclusion OR i.indisunique
                AND (pg_catalog.json_array_length($2::json) > 0
                    AND $2::jsonb OPERATOR(pg_catalog.<@) (
                        SELECT pg_catalog.jsonb_agg(a.attname)
                        FROM pg_catalog.pg_attribute AS a
                        WHERE a.attrelid = i.indrelid
                            AND a.attnum = ANY (i.indkey)
                    )) IS NOT TRUE)
    ) THEN 2 ELSE 0 END
    + CASE WHEN EXISTS (
        SELECT
        FROM pg_catalog.pg_constraint AS c
        WHERE c.conrelid = ANY (r.ids) AND c.confrelid = ANY (r.ids)
            AND c.contype = 'f'
    ) THEN 4 ELSE 0 END
    + CASE WHEN EXISTS (
        SELECT
        FROM pg_catalog.pg_constraint AS c
        WHERE c.conrelid = ANY (r.ids) AND c.contype IN ('c', 'f', 'x')
    ) OR EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = ANY (r.ids)
            AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
    ) OR EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = ANY (r.ids) AND a.attgenerated <> ''
    ) OR EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS k
        WHERE k.oid = ANY (r.ids)
            AND (k.relrowsecurity OR k.relkind NOT IN ('r', 'p'))
    ) THEN 8 ELSE 0 END
    + CASE WHEN EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = ANY (r.ids) AND t.typtype = 'd'
    ) THEN 16 ELSE 0 END,
    r.ids::text
FROM r

-- name: table_indexed_columns
-- Lists the columns of the indexes of the tables $1, an array of oids that
-- table_traits has returned. A row has the name of the column, and 1 if the
-- index is unique, so that it can refuse a value that another row has. Of the
-- other indexes, only columns are listed whose values may be too long for an
-- index.
SELECT a.attname, (i.indisunique OR i.indisexclusion)::int
FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = ANY ($1::text::oid[])
    AND (i.indisunique OR i.indisexclusion OR a.attlen = -1)

-- name: table_may_have_equal_keys
-- Returns 1 if two rows of the table $1 may have the same key, because another
-- table inherits from it, or if its rows cannot be locked, because it is a
-- foreign table.
SELECT pg_catalog.count(*)
FROM pg_catalog.pg_class AS c
WHERE c.oid = $1::text::regclass::oid AND c.relkind <> 'p'
    AND (c.relkind <> 'r' OR EXISTS (
        SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid))

-- name: table_foreign_keys
-- Lists the columns of each foreign key from table $1 to table $2. A row has
-- the number of the foreign key, the column, its place in the foreign key
-- (counted from 1), and the column to which it refers.
SELECT c.oid::bigint, a.attname::text, u.place, b.attname::text
FROM pg_catalog.pg_constraint AS c
    CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(c.conkey),
        pg_catalog.unnest(c.confkey)) WITH ORDINALITY AS u(own, other, place)
    JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = c.conrelid AND a.attnum = u.own
    JOIN pg_catalog.pg_attribute AS b
        ON b.attrelid = c.confrelid AND b.attnum = u.other
WHERE c.contype = 'f' AND c.conrelid = $1::text::regclass::oid
    AND c.confrelid = $2::text::regclass::oid
ORDER BY c.oid, u.place

-- name: table_count_indexes
-- Counts the indexes of the table $1 that begin with the $3 columns of the JSON
-- array $2, in any order.
SELECT pg_catalog.count(*)
FROM pg_catalog.pg_index AS i
WHERE i.indrelid = $1::text::regclass::oid AND i.indisvalid
    AND i.indpred IS NULL
    AND $3::bigint = (
        SELECT pg_catalog.count(*)
        FROM pg_catalog.unnest(i.indkey[0:$3::int - 1]) AS n
            JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid = i.indrelid AND a.attnum = n
        WHERE $2::jsonb OPERATOR(pg_catalog.?) a.attname::text)

-- name: session_settings
-- Returns statements that give another session the options that this session
-- has set, and its role. The role comes last, because it may lack the right to
-- set the others.
SELECT pg_catalog.format('SELECT pg_catalog.set_config(%L, %L, false);',
    s.name, s.setting)
FROM (
    SELECT 1 AS nth, name, setting
    FROM pg_catalog.pg_settings
    WHERE source = 'session' AND context IN ('user', 'superuser')
    UNION ALL SELECT 2, 'role', pg_catalog.current_setting('role')
) AS s
ORDER BY s.nth, s.name
