#include "csv/csv_options.h"

#include "csv/csv_columns.h"

int
csv_options_parse(struct csv_options *c, const struct extract_opts *o,
    bool is_tsv, struct err *e)
{
	*c = (struct csv_options){ 0 };
	if (csv_dialect_parse(&c->dialect, o, is_tsv, e) == -1)
		return -1;
	return o->types != NULL ? csv_types_parse(&c->types, o->types, e) : 0;
}

void
csv_options_release(struct csv_options *c)
{
	csv_types_release(&c->types);
}

int
csv_options_check(const struct extract_opts *o, struct err *e)
{
	struct csv_columns columns;
	struct csv_options c;
	int rc;

	rc = csv_options_parse(&c, o, false, e);
	csv_options_release(&c);
	csv_columns_init(&columns);
	if (rc == 0 && o->columns != NULL)
		rc = csv_columns_parse(&columns, o->columns, e);
	csv_columns_release(&columns);
	return rc;
}
