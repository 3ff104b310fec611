#include "table/record_part.h"

#include "json/name.h"

#include <string.h>

/* Returns the token of the value, or 0. */
static uint32_t
find_only_value(const struct reader *r, const char *name)
{
	const struct json *j = &r->json;
	size_t len = strlen(name);
	uint32_t found = 0;

	for (uint32_t t = 1; t < j->n; t = j->tok[t + 1].next) {
		if (name_compare_with_text(&j->tok[t], j->text, name, len) != 0)
			continue;
		if (found != 0 && r->duplicates == JSON_UNIQUE)
			return 0;
		found = t + 1;
	}
	return found;
}

int
record_part_read(struct reader *r, const struct line *l,
    const struct shape *columns, struct err *e)
{
	struct json_fault f = { 0 };

	if (l->too_long)
		return 0;
	if (json_scan(&r->json, l->data, l->len, 1, JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	if (r->json.tok[0].type != JSON_OBJECT)
		return 0;
	for (size_t i = 0; i < columns->n; i++) {
		size_t c = columns->columns[i];
		uint32_t v =
		    find_only_value(r, r->target->table->columns[c].name);

		if (v == 0 || r->json.tok[v].flags & (JSON_NUL | JSON_LONE))
			return 0;
		r->value[c] = v;
	}
	return 1;
}

bool
record_part_is_null(const struct reader *r, size_t column)
{
	return r->json.tok[r->value[column]].type == JSON_NULL;
}

bool
record_part_has_null(const struct reader *r, const struct shape *columns)
{
	for (size_t i = 0; i < columns->n; i++)
		if (record_part_is_null(r, columns->columns[i]))
			return true;
	return false;
}
