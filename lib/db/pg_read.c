#include "db/pg_impl.h"

int
pg_describe(struct pg *pg, const char *name, struct pg_answer **a,
    struct err *e)
{
	PGresult *res = NULL;

	if (PQsendDescribePrepared(pg->conn, name) == 1)
		res = pg_wait_result(pg, false);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(pg, res, e);
	*a = (struct pg_answer *)(void *)res;
	return 0;
}

const char *
pg_column_name(const struct pg_answer *a, size_t i)
{
	return PQfname(pg_as_pgresult(a), (int)i);
}

unsigned
pg_column_type(const struct pg_answer *a, size_t i)
{
	return PQftype(pg_as_pgresult(a), (int)i);
}

int
pg_column_typmod(const struct pg_answer *a, size_t i)
{
	return PQfmod(pg_as_pgresult(a), (int)i);
}

size_t
pg_count_columns(const struct pg_answer *a)
{
	return (size_t)PQnfields(pg_as_pgresult(a));
}

const char *
pg_column_value(const struct pg_answer *a, size_t i, size_t *len, unsigned *oid)
{
	const PGresult *res = pg_as_pgresult(a);

	*len = (size_t)PQgetlength(res, 0, (int)i);
	*oid = PQftype(res, (int)i);
	return PQgetisnull(res, 0, (int)i) ? NULL :
	    PQgetvalue(res, 0, (int)i);
}

bool
pg_answer_is_ready(struct pg *pg)
{
	if (PQisBusy(pg->conn) == 0)
		return true;
	return PQconsumeInput(pg->conn) == 0 || PQisBusy(pg->conn) == 0;
}

int
pg_socket(const struct pg *pg)
{
	return PQsocket(pg->conn);
}
