SELECT count(*) FROM sqlite_schema WHERE name = 'etl_control'
