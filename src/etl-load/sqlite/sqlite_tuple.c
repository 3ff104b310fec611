#include "sqlite/sqlite_tuple.h"

#include "batch/spool.h"
#include "sqlite/sqlite_value.h"
#include "table/record_part.h"
#include "table/row_values.h"

#include <stdlib.h>

int
lite_tuple_init(
    struct lite_tuple *t, const struct shape *columns, struct err *e)
{
	*t = (struct lite_tuple){ .columns = columns };
	buf_init(&t->scratch, SIZE_MAX / 2);
	t->values = calloc(columns->n + 1, sizeof(*t->values));
	return t->values == NULL ? err_nomem(e) : 0;
}

void
lite_tuple_release(struct lite_tuple *t)
{
	free(t->values);
	t->values = NULL;
	buf_release(&t->scratch);
}

int
lite_tuple_read(struct lite_tuple *t, struct reader *r, const struct line *l,
    struct err *e)
{
	struct reject why;
	int rc = record_part_read(r, l, t->columns, e);

	if (rc != 1)
		return rc;
	if (t->scratch.cap > SPOOL_LARGE)
		buf_release(&t->scratch);
	buf_clear(&t->scratch);
	if (!buf_reserve(&t->scratch, row_max_size(r, t->columns, l) + 1))
		return buf_check(&t->scratch, e);
	for (size_t i = 0; i < t->columns->n; i++)
		if (sqlite_convert(&t->values[i], r, t->columns->columns[i],
		    &t->scratch, &why) == 0)
			return 0;
	return 1;
}
