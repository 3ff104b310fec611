/* The name of a PostgreSQL database in messages: a URL without secrets. The
 * user and the port are shown if they are not the default ones: the name of the
 * system user, and 5432. */
#ifndef DB_PG_NAME_H
#define DB_PG_NAME_H

#include "base/buf.h"

struct pg_place {               /* NULL: not known */
	const char *user, *host, *port, *database;
};

void pg_name_append(struct buf *b, const struct pg_place *p);
/* If the environment variables PGPORT and PGUSER set the port or the user of
 * this URL, appends each with a blank before it: " PGPORT=5433 PGUSER=me". */
void pg_name_append_environment(struct buf *b, const char *url);

#endif
