/* Finds the table that a user probably meant with a mistyped name. Searches the
 * schema that the name has, or the search path. */
#ifndef DB_TABLE_SUGGEST_H
#define DB_TABLE_SUGGEST_H

struct db;
struct err;
struct table;

/* Appends "; did you mean NAME?" to the error if the database has a table or
 * view whose name is similar to t->base. */
void table_suggest(struct db *db, const struct table *t, struct err *e);

#endif
