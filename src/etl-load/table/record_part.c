#include "table/record_part.h"

#include "json/name.h"
#include "table/row_values.h"

#include <string.h>

/* True if the record has several members of this name. */
static bool
is_member_twice(const struct reader *r, const char *name)
{
	const struct json *j = &r->json;
	size_t len = strlen(name), n = 0;

	for (uint32_t t = 1; t < j->n; t = j->tok[t + 1].next)
		n += name_compare_text(&j->tok[t], j->text, name, len) == 0;
	return n > 1;
}

/* If --map reads one of the columns from inside the record, each member on the
 * path of its pointer could be a duplicate. To check only these would be
 * difficult, so then --duplicate-members holds for all members of the
 * record. */
static enum json_members
choose_duplicates(const struct reader *r, const struct shape *columns)
{
	for (size_t i = 0; i < columns->n; i++)
		if (r->target->mapping.pointer[columns->columns[i]] != NULL)
			return r->duplicates;
	return JSON_LAST;
}

int
record_part_read(struct reader *r, const struct line *l,
    const struct shape *columns, struct err *e)
{
	const struct target *t = r->target;
	struct json_fault f = { 0 };

	if (l->too_long)
		return 0;
	if (json_scan(&r->json, l->data, l->len, t->mapping.levels,
		choose_duplicates(r, columns), &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	if (r->json.tok[0].type != JSON_OBJECT)
		return 0;
	for (size_t i = 0; i < columns->n; i++) {
		size_t c = columns->columns[i];
		uint32_t v = row_find_value(r, c);

		if (v == 0 || r->json.tok[v].flags & (JSON_NUL | JSON_LONE) ||
		    (r->duplicates == JSON_UNIQUE &&
			is_member_twice(r, t->table->columns[c].name)))
			return 0;
		r->value[c] = v;
		if (!row_fits_base64(r, c))
			return buf_check(&r->text, e);
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
