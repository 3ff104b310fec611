Creating new PostgreSQL cluster 15/regress ...
*** /tmp/pg_virtualenv.NAEHDO/log/postgresql-15-regress.log (last 100 lines) ***
2026-11-20 09:42:04.227 UTC [30464] LOG:  starting PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0, 64-bit
2026-11-20 09:42:04.228 UTC [30464] LOG:  listening on IPv4 address "127.0.0.1", port 5432
2026-11-20 09:42:04.228 UTC [30464] LOG:  listening on Unix socket "/var/run/postgresql/.s.PGSQL.5432"
2026-11-20 09:42:04.266 UTC [30478] LOG:  database system was shut down at 2026-11-20 09:42:03 UTC
2026-11-20 09:42:04.274 UTC [30464] LOG:  database system is ready to accept connections
Dropping cluster 15/regress ...
