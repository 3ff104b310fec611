SELECT n.nspname, c.relname,
    CASE WHEN c.relkind IN ('r', 'p', 'f') THEN 'table'
        WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'other' END,
    0, 0
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = coalesce(to_regclass(concat(quote_ident($1) || '.',
        quote_ident($2))),
    to_regclass(concat(quote_ident(lower($1)) || '.',
        quote_ident(lower($2)))))
