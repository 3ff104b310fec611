/* The name of a PostgreSQL database in messages: a URL without secrets. It has
 * the user only if that is not the name of the system user, and the port only
 * if that is not 5432. */
#ifndef DB_PG_NAME_H
#define DB_PG_NAME_H

#include "base/buf.h"

struct pg_place {               /* NULL: not known */
	const char *user, *host, *port, *database;
};

void pg_name_put(struct buf *b, const struct pg_place *p);
/* If PGPORT sets the port of this URL, or PGUSER the user, and the value is not
 * the default, appends a blank and the variable, as in "PGPORT=5433". */
void pg_name_put_env(struct buf *b, const char *url);

#endif
