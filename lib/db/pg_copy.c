#include "db/pg_impl.h"

#include <limits.h>
#include <stdlib.h>

int
pg_copy_data(struct pg *pg, const char *p, size_t n, struct err *e)
{
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = n > INT_MAX ? INT_MAX : n;
		if (PQputCopyData(pg->conn, p, (int)part) != 1)
			return pg_fail(pg, NULL, e);
	}
	return 0;
}

int
pg_copy_end(struct pg *pg, int64_t *rows, struct err *e)
{
	PGresult *res;

	pg->copying = false;
	if (PQputCopyEnd(pg->conn, NULL) != 1)
		return pg_fail(pg, NULL, e);
	res = pg_wait_result(pg, false);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(pg, res, e);
	if (rows != NULL)
		*rows = strtoll(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return 0;
}

static void
read_numbers(const PGresult *res, int64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		numbers[i] = strtoll(PQgetvalue(res, 0, (int)i), NULL, 10);
}

int
pg_copy_end_script(struct pg *pg, int64_t *numbers, size_t n, struct err *e)
{
	PGresult *res, *failed = NULL;
	bool found = false;

	pg->copying = false;
	if (PQputCopyEnd(pg->conn, NULL) != 1)
		return pg_fail(pg, NULL, e);
	while ((res = pg_as_pgresult(pg_next_answer(pg))) != NULL) {
		if (PQresultStatus(res) == PGRES_TUPLES_OK &&
		    PQntuples(res) == 1 && PQnfields(res) == (int)n) {
			read_numbers(res, numbers, n);
			found = true;
		} else if (PQresultStatus(res) != PGRES_COMMAND_OK &&
		    failed == NULL) {
			failed = res;
			continue;
		}
		PQclear(res);
	}
	return found && failed == NULL ? 0 : pg_fail(pg, failed, e);
}
