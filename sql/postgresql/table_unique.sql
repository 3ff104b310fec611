-- Those that ON CONFLICT can use; a NULL name is an expression.
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
