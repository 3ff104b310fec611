#include "table/scope.h"

#include "json/write.h"
#include "table/row_values.h"

#include <string.h>

static int
fail_value(const struct target *t, const char *value, struct err *e)
{
	if (t->scope.n == 1)
		return err_set(e, ERR_USAGE, false, "--scope-value %s: give "
		    "the value itself, or a JSON array of one value, such as "
		    "[null]", value);
	return err_set(e, ERR_USAGE, false, "--scope-value %s: --scope names "
	    "%zu columns: give a JSON array of %zu values, such as "
	    "[\"2026-01-30\",null]", value, t->scope.n, t->scope.n);
}

static int
put_array_record(struct buf *b, const struct target *t, const char *value,
    struct json *j, struct err *e)
{
	struct json_fault f = { 0 };
	uint32_t v = 1;

	if (json_scan(j, value, strlen(value), 2, JSON_UNIQUE, &f) == -1)
		return f.nomem ? err_nomem(e) : fail_value(t, value, e);
	if (j->tok[0].type != JSON_ARRAY || j->tok[0].members != t->scope.n)
		return fail_value(t, value, e);
	buf_char(b, '{');
	for (size_t i = 0; i < t->scope.n; i++, v = j->tok[v].next)
		json_put_raw(b, t->table->columns[t->scope.columns[i]].name,
		    value + j->tok[v].at, j->tok[v].len);
	buf_char(b, '}');
	return buf_check(b, e);
}

int
scope_put_record(struct buf *b, const struct target *t, const char *value,
    struct err *e)
{
	struct json j = { 0 };
	int rc;

	if (t->scope.n == 1 && *value != '[') {
		buf_char(b, '{');
		json_put_text(b,
		    t->table->columns[t->scope.columns[0]].name, value);
		buf_char(b, '}');
		return buf_check(b, e);
	}
	rc = put_array_record(b, t, value, &j, e);
	json_release(&j);
	return rc;
}
