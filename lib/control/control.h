/* The control tables: made when missing, migrated forward, safe when two
 * programs start at once. Fails: 78 where they are of a newer version. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "db/db.h"

enum { CONTROL_VERSION = 2 };

int control_ensure(struct db *db, struct err *e);
/* db_open(), or db_open_present() unless make, and that. */
int control_open(struct db **db, const char *url, bool make, struct err *e);

/* In a transaction, before control rows are locked: a server ends it when
 * this client goes silent, so that no lock outlives a lost host. */
int control_hold(struct db *db, struct err *e);

#endif
