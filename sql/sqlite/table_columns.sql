-- hidden: 1 in a virtual table, 2 and 3 generated
SELECT name, type, "notnull", dflt_value IS NOT NULL OR hidden <> 0,
    hidden <> 0, pk
FROM pragma_table_xinfo($2, $1)
ORDER BY cid
