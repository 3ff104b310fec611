#include "dlq.h"

#include "base/suggest.h"
#include "control/control.h"

#include <string.h>
#include <unistd.h>

int
dlq_open_database(struct dlq *d, struct err *e)
{
	if (control_open_tables(&d->db, d->opts->db, d->opts->control_schema,
	    false, e) == -1)
		return -1;
	return letter_filter_run(d->db, &d->selection.filter, e);
}

/* If no letter has the code, stage, stream, target or pipeline that the user
 * has given, prints the most similar one in the database. */
static int
suggest_value(const struct dlq *d, const char *command, const char *option,
    const char *value, struct err *e)
{
	struct suggestion near = { .typed = value };
	struct db_value v = db_text(option);
	struct db_rows *r;
	bool known = false;
	int rc;

	if (value == NULL)
		return 0;
	if (db_query(d->db, &r, db_sql(d->db, SQL_LETTERS_WORDS), &v, 1,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		known |= strcmp(db_column(r, 0).p, value) == 0;
		suggest_try(&near, db_column(r, 0).p);
	}
	db_end(r);
	if (rc == 0 && !known && near.word[0] != '\0')
		err_warnf("etl-dlq", "%s: no letter has the %s %s; did you "
		    "mean %s?", command, option, value, near.word);
	return rc;
}

int
dlq_print_no_match(const struct dlq *d, const char *command, struct err *e)
{
	const struct letter_filter *f = &d->selection.filter;
	const struct { const char *option, *value; } words[] = {
		{ "code", f->code }, { "stage", f->stage },
		{ "stream", f->stream }, { "target", f->target },
		{ "pipeline", f->pipeline },
	};

	if (strcmp(command, "replay") == 0 || isatty(STDERR_FILENO) == 1)
		err_printf("etl-dlq: %s: no %s%sletter in %s "
		    "matches\n", command, f->status != NULL ? f->status : "",
		    f->status != NULL ? " " : "", db_name(d->db));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (suggest_value(d, command, words[i].option, words[i].value,
		    e) == -1)
			return -1;
	return 0;
}
