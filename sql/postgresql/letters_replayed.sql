COPY pg_temp.etl_resolves (n, reject_id, seen, upto) FROM STDIN
