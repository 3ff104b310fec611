#include "csv/csv_options.h"

#include "csv/csv_columns.h"

int
csv_options_parse(struct csv_options *c, const struct extract_opts *o,
    bool is_tsv, struct err *e)
{
	*c = (struct csv_options){ 0 };
	if (csv_dialect_from_options(&c->dialect, o, is_tsv, e) == -1)
		return -1;
	return o->types != NULL ? csv_types_parse(&c->types, o->types, e) : 0;
}

void
csv_options_release(struct csv_options *c)
{
	csv_types_release(&c->types);
}

static int
refuse_csv_options(const struct extract_opts *o, struct err *e)
{
	const struct {
		const char *name;
		bool given;
	} all[] = {
		{ "--columns", o->columns != NULL },
		{ "--comment", o->comment != NULL },
		{ "--delimiter", o->delimiter != NULL },
		{ "--null", o->null != NULL },
		{ "--quote", o->quote != NULL },
		{ "--skip", o->skip != 0 },
		{ "--types", o->types != NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given)
			return err_set(e, ERR_USAGE, false, "%s is for CSV and "
			    "TSV files, but no SOURCE is one: if one is, give "
			    "--format csv", all[i].name);
	return 0;
}

int
csv_options_check(const struct extract_opts *o, bool has_csv, struct err *e)
{
	struct csv_columns columns;
	struct csv_options c;
	int rc;

	if (!has_csv)
		return refuse_csv_options(o, e);
	rc = csv_options_parse(&c, o, false, e);
	csv_options_release(&c);
	csv_columns_init(&columns);
	if (rc == 0 && o->columns != NULL)
		rc = csv_columns_from_option(&columns, o->columns, e);
	csv_columns_release(&columns);
	return rc;
}
