/* The name of a table that a user probably meant when the name was mistyped.
 * Reads the names in the schema of the name, or on the search path. */
#ifndef DB_TABLE_SUGGEST_H
#define DB_TABLE_SUGGEST_H

struct db;
struct err;
struct table;

/* Appends "; did you mean NAME?" to the error if the database has a table or
 * view with a name near t->base. */
void table_suggest_name(struct db *db, const struct table *t, struct err *e);

#endif
