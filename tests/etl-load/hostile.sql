-- search_path.t runs this file as a role that may only create objects in the
-- schema public.  It creates functions, operators and types there whose names
-- are those of pg_catalog, and whose types fit better than those of pg_catalog.
-- Each of them calls evil.note(), which counts in evil.calls if the variable
-- :loader names the role that runs it.
-- Some have exactly the types that pg_catalog has: a search_path that names
-- pg_catalog last finds those first.
-- Each object that a transaction creates takes a lock in the memory that all
-- sessions of the server share, so a transaction creates only a hundred.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET check_function_bodies = off;
-- The script itself must not call its own functions.
SET search_path = pg_catalog;
CREATE TABLE evil.log (who name, what text);
CREATE SEQUENCE evil.calls;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
GRANT INSERT ON evil.log TO PUBLIC;
GRANT USAGE ON evil.calls TO PUBLIC;
CREATE TABLE evil.settings AS SELECT :'loader'::name AS loader;
GRANT SELECT ON evil.settings TO PUBLIC;

-- A sequence keeps its count if the loader rolls back.
CREATE FUNCTION evil.note(what text) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    IF current_user = (SELECT loader FROM evil.settings) THEN
        PERFORM nextval('evil.calls');
        INSERT INTO evil.log VALUES (current_user, what);
    END IF;
    RETURN true;
END $$;

CREATE TABLE evil.types AS SELECT type::regtype, place
FROM unnest(ARRAY['text', 'varchar', 'name', '"char"', 'int2', 'int4', 'int8',
    'oid', 'regclass', 'timestamptz', 'timestamp', 'interval', 'jsonb', 'json',
    'bytea', 'bool', 'numeric', 'uuid', 'xid', 'xid8', 'bpchar', 'text[]',
    'int2[]', 'int2vector', 'public.citext', 'app.code', 'app.ci', 'app.mood',
    'app.at', 'app.at_local', 'app.number'])
    WITH ORDINALITY AS t(type, place);
-- The names of objects: pg_catalog compares none of these types with another one,
-- or with oid, by an operator of exactly these types.
INSERT INTO evil.types SELECT type::regtype, NULL
FROM unnest(ARRAY['regcollation', 'regconfig', 'regdictionary', 'regnamespace',
    'regoper', 'regoperator', 'regproc', 'regprocedure', 'regrole', 'regtype'])
    AS t(type);
-- The types that stand beside one of these in an operator.
CREATE TABLE evil.beside AS SELECT type FROM evil.types
WHERE place IS NULL OR type IN ('oid', 'regclass', 'int2', 'int4', 'int8', 'text',
    'varchar', 'name', '"char"', 'xid', 'bool');

-- Every function that a statement of the programs calls.
CREATE TABLE evil.names AS SELECT name FROM unnest(string_to_array(
    'array_agg array_position bool_and cardinality clock_timestamp concat'
    ' convert_to count current_schema current_setting dense_rank format'
    ' format_type getdatabaseencoding lag lower max min now octet_length'
    ' pg_advisory_xact_lock pg_current_xact_id pg_get_serial_sequence'
    ' pg_has_role pg_xact_status quote_ident regexp_matches row_number'
    ' row_security_active set_config setval split_part starts_with string_agg'
    ' substring position date_part extract sum to_char to_regclass unnest'
    ' pg_get_userbyid length upper timezone acldefault aclexplode array_fill'
    ' bool_or concat_ws current_database has_table_privilege'
    ' json_array_elements_text json_array_length jsonb_agg left md5'
    ' obj_description pg_backend_pid pg_describe_object pg_get_constraintdef'
    ' pg_get_expr pg_get_indexdef pg_get_statisticsobjdef pg_get_triggerdef'
    ' pg_partition_tree regexp_replace replace row_to_json scale strpos substr'
    ' to_json', ' ')) AS n(name);

-- A call with a number of arguments that no function of pg_catalog accepts is not
-- in a statement of the programs: it would fail without the hostile role.
CREATE FUNCTION evil.may_be_called(function name, args bigint) RETURNS boolean
LANGUAGE sql SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND p.proname = function AND (args <= p.pronargs
            AND args >= p.pronargs - p.pronargdefaults OR p.provariadic <> 0))
$$;

DO $$
DECLARE
    a record;
    args text;
    n int := 0;
BEGIN
    FOR a IN SELECT n.name, v.args FROM evil.names AS n, (
            SELECT ARRAY[]::regtype[] AS args
            UNION ALL SELECT ARRAY[type] FROM evil.types
            UNION ALL SELECT ARRAY[x.type, y.type]
            FROM evil.types AS x, evil.types AS y
            WHERE x.place <= 13 AND y.place <= 13
            OR x.place IS NULL AND y.type IN ('text', 'oid', 'int4')
            UNION ALL SELECT ARRAY[x.type, y.type, z.type]
            FROM evil.types AS x, evil.types AS y, evil.types AS z
            WHERE x.type IN ('text', 'int8') AND y.type IN ('text', 'int4',
                'int8') AND z.type IN ('text', 'int4', 'int8', 'bool')
        ) AS v
        WHERE evil.may_be_called(n.name, cardinality(v.args))
        AND NOT EXISTS (SELECT FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace
            AND p.proname = n.name AND p.proargtypes::text
                = array_to_string(v.args::oid[], ' '))
    LOOP
        args := array_to_string(a.args, ', ');
        EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS text
            LANGUAGE plpgsql AS %L', a.name, args, format(
            'BEGIN PERFORM evil.note(%L); RETURN NULL; END',
            a.name || '(' || args || ')'));
        n := n + 1;
        IF n % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;

-- The name of an object is compared as its number.
CREATE FUNCTION evil.plain(operand text, type regtype) RETURNS text
LANGUAGE sql SET search_path = pg_catalog AS $$
    SELECT operand || CASE WHEN type::text ~ '^reg' THEN '::oid' ELSE '' END
$$;
-- The result of a comparison is right, so that the program goes on.
CREATE FUNCTION evil.compare(l text, operator text, r text) RETURNS boolean
LANGUAGE sql SET search_path = pg_catalog AS $$
    SELECT CASE operator WHEN '=' THEN l = r WHEN '<>' THEN l <> r
        WHEN '<' THEN l < r WHEN '<=' THEN l <= r WHEN '>' THEN l > r
        ELSE l >= r END
$$;

DO $$
DECLARE
    o record;
    f text;
    n int := 0;
BEGIN
    FOR o IN SELECT x.type AS l, y.type AS r, s AS name,
            s !~ '^[-+*/|~]' AS compares
        FROM evil.types AS x, evil.types AS y, unnest(ARRAY['=', '<>', '<',
            '<=', '>', '>=', '||', '+', '-', '*', '/', '~', '~*']) AS s
        WHERE (x.place IS NOT NULL AND y.place IS NOT NULL OR s !~ '^[-+*/~]'
            AND x.type IN (SELECT type FROM evil.beside)
            AND y.type IN (SELECT type FROM evil.beside))
        AND NOT EXISTS (SELECT FROM pg_operator AS p
            WHERE p.oprnamespace = 'public'::regnamespace
            AND p.oprname = s AND p.oprleft = x.type AND p.oprright = y.type)
    LOOP
        n := n + 1;
        f := format('evil.o%s', n);
        EXECUTE format('CREATE FUNCTION %s(l %s, r %s) RETURNS %s
            LANGUAGE plpgsql AS %L', f, o.l, o.r,
            CASE WHEN o.compares THEN 'boolean' ELSE 'text' END,
            format('BEGIN PERFORM evil.note(%L); RETURN %s; END',
            format('%s %s %s', o.l, o.name, o.r),
            CASE WHEN o.compares THEN format('evil.compare(%s::text, %L,
                %s::text)', evil.plain('l', o.l), o.name, evil.plain('r', o.r))
            ELSE 'NULL' END));
        EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s,
            RIGHTARG = %s, FUNCTION = %s)', o.name, o.l, o.r, f);
        IF n % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;

-- Types and aggregates with the names of pg_catalog, for a search_path in which
-- public comes first.
SELECT format('CREATE DOMAIN public.%I AS pg_catalog.%1$I
    CHECK (evil.note(%2$L))', type, 'type ' || type)
FROM unnest(ARRAY['text', 'int8', 'oid', 'regclass', 'timestamptz', 'json',
    'jsonb', 'xid8', 'int4', 'bool']) AS type
\gexec
CREATE FUNCTION evil.step(s text) RETURNS text LANGUAGE plpgsql AS
    'BEGIN PERFORM evil.note(''count(*)''); RETURN s; END';
DROP FUNCTION public.count();
CREATE AGGREGATE public.count(*) (SFUNC = evil.step, STYPE = pg_catalog.text);
