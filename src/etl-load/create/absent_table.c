#include "create/absent_table.h"

#include <stdlib.h>

int
target_open_absent(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e)
{
	*t = (struct target){ .touch = NO_COLUMN, .seen = NO_COLUMN,
		.soft_delete = NO_COLUMN, .newer_by = NO_COLUMN,
		.position = NO_COLUMN,
		.history = { .from = NO_COLUMN, .to = NO_COLUMN,
			.current = NO_COLUMN },
		.mapping = { .extra_column = NO_COLUMN } };
	return load_mode_choose(&t->mode, o, e) == -1 ? -1 :
	    table_new(&t->table, db, o->table, e);
}

static int
open_sink(void **self, struct db *db, const struct target *t, struct err *e)
{
	(void)db, (void)t, (void)e;
	*self = NULL;
	return 0;
}

/* Fails if the chunk has a record, because there is no table for it. */
static enum sink_result
apply_nothing(void *self, struct outcome *o, struct err *e)
{
	(void)self;
	for (size_t i = 0; i < o->chunk->n; i++)
		if (o->chunk->items[i].kind == ITEM_RECORD) {
			(void)err_bug(e, "a record came after the end of the "
			    "input");
			return SINK_FAILED;
		}
	return SINK_DONE;
}

static enum sink_result
settle_nothing(void *self, struct err *e)
{
	(void)self, (void)e;
	return SINK_DONE;
}

static void
do_nothing(void *self)
{
	(void)self;
}

const struct sink sink_absent = {
    .open = open_sink,
    .apply = apply_nothing,
    .settle = settle_nothing,
    .reset = do_nothing,
    .close = do_nothing,
};
