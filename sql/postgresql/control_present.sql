SELECT count(*) FROM pg_class WHERE oid = to_regclass('etl_control')
