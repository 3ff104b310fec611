#include "table/row_identity.h"

#include <stdlib.h>
#include <string.h>

int
target_set_identity(struct target *t, struct err *e)
{
	struct shape *s = &t->identity;
	size_t i;

	if (t->table->view)
		return err_set(e, ERR_CONFIG, false, "--keep-before, --emit: "
		    "%s is a view: load the table whose rows it shows",
		    t->table->name);
	s->columns = calloc(t->table->n + 1, sizeof(*s->columns));
	if (s->columns == NULL)
		return err_nomem(e);
	while ((i = table_find_key(t->table, (int)s->n + 1)) < t->table->n)
		s->columns[s->n++] = i;
	/* --key does not identify a row in --mode scd2: all rows of one history
	 * have the same key. */
	if (s->n == 0 && !t->mode->history) {
		memcpy(s->columns, t->key, t->nkey * sizeof(*t->key));
		s->n = t->nkey;
	}
	return s->n > 0 ? 0 : err_set(e, ERR_CONFIG, false, "--keep-before, "
	    "--emit: table %s has no primary key, by which the rows of this "
	    "mode could be found again: give it one", t->table->name);
}
