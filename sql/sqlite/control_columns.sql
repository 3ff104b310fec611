SELECT lower(name) FROM pragma_table_info($1)
