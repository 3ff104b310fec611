#include "table/row_values.h"

#include "base/base64.h"
#include "base/text.h"
#include "json/pointer.h"
#include "json/write.h"
#include "table/time_of_change.h"

#include <stdio.h>
#include <string.h>

enum { POINTER_SHOWN = 200 };   /* bytes of a long pointer in a message */

void
row_begin_extra(struct reader *r)
{
	if (r->target->mapping.extra != EXTRA_COLUMN)
		return;
	buf_clear(&r->extra_text);
	buf_char(&r->extra_text, '{');
	member_index_clear(&r->members);
}

/* Rejects the record because of a member without a column. */
static int
reject_extra(struct reader *r, struct reject *why,
    const char *name, size_t len, const char *reason)
{
	*why = (struct reject){ .code = "schema", .message = r->message };
	/* The reject gets no pointer: a pointer ends at the first NUL, so it
	 * would name another member. */
	if (memchr(name, '\0', len) != NULL) {
		(void)snprintf(r->message, sizeof(r->message), "table %s has "
		    "no column whose name begins with \"%.200s\" and contains "
		    "\\u0000", r->target->table->name, name);
		return 0;
	}
	if (reason != NULL)
		(void)snprintf(r->message, sizeof(r->message), "%s", reason);
	else
		(void)snprintf(r->message, sizeof(r->message),
		    "table %s has no column \"%.*s\"", r->target->table->name,
		    len < 200 ? (int)len : 200, name);
	reader_set_pointer(r, why, name, len);
	return 0;
}

/* Appends the member to the object for the column of --extra. If the row has
 * two members of this name, appends only the last one, which counts. Returns 1,
 * or 0 if memory is out. */
static int
add_extra(struct reader *r, uint32_t tok, const char *name, size_t len)
{
	const struct json *j = &r->json;
	struct buf *b = &r->extra_text;
	bool nomem = false;

	if (r->duplicates == JSON_LAST && member_index_find(
		&r->members, j, 0, name, len, &nomem) != tok + 1) {
		r->text.failed |= nomem;
		return !nomem;
	}
	if (b->len > 1)
		buf_char(b, ',');
	buf_add(b, j->text + j->tok[tok].at, j->tok[tok].len);
	buf_char(b, ':');
	json_put_compact(b, j, tok + 1);
	return 1;
}

int
row_find_column(struct reader *r, uint32_t tok, const char *name, size_t len,
    size_t *column, struct reject *why)
{
	const struct mapping *m = &r->target->mapping;
	const struct member *k = mapping_find_member(m, name, len);
	const char *reason = NULL;

	*column = r->target->table->n;
	if (k != NULL && k->column != SIZE_MAX) {
		reason = target_why_refused(r->target, k->column);
		if (reason == NULL) {
			*column = k->column;
			return 1;
		}
	}
	if (is_time_of_change(r, k == NULL || k->column == SIZE_MAX ?
	    *column : k->column, name, len))
		return 1;
	if (k != NULL && k->mapped_whole)
		return 1;
	if (m->extra == EXTRA_COLUMN)
		return add_extra(r, tok, name, len);
	if (m->extra == EXTRA_IGNORE || (k != NULL && k->mapped))
		return 1;
	return reject_extra(r, why, name, len, reason);
}

int
row_check_extra(struct reader *r, const struct line *l, struct err *e)
{
	const char *pointer = buf_text(&r->pointer);
	const size_t n = strlen(pointer), shown = text_cut_length(pointer, n,
	    POINTER_SHOWN);

	if (r->target->mapping.extra != EXTRA_ERROR)
		return 0;
	return err_set(e, ERR_DATA, false, "line %llu: %.*s%s: %s (--extra "
	    "error ends the load); this batch counts as not loaded",
	    (unsigned long long)l->number, (int)shown, pointer,
	    shown < n ? "..." : "", r->message);
}

void
row_set_mapped(struct reader *r, bool *same)
{
	const struct mapping *m = &r->target->mapping;

	if (m->nmapped == 0)
		return;
	*same = false;
	for (size_t c = 0; c < r->target->table->n; c++) {
		uint32_t v;

		if (m->pointer[c] != NULL && r->value[c] == 0 &&
		    pointer_find(&r->json, m->pointer[c], &v))
			r->value[c] = v;
	}
}

/* Makes a token for the object of the members that have no column. Its index is
 * 1, because a 0 in r->value means that there is no value. */
static int
store_extra(struct reader *r, struct err *e)
{
	struct buf *b = &r->extra_text;

	buf_char(b, '}');
	if (buf_check(b, e) == -1)
		return -1;
	if (b->len > UINT32_MAX)
		return err_nomem(e);
	r->extra_tok[1] = (struct json_tok){ .len = (uint32_t)b->len,
		.next = 2, .type = JSON_OBJECT };
	r->extra = (struct json){ .text = b->data, .len = b->len,
		.tok = r->extra_tok, .n = 2 };
	r->value[r->target->mapping.extra_column] = 1;
	return 1;
}

size_t
row_max_size(const struct reader *r, const struct shape *s,
    const struct line *l)
{
	size_t size = 0;

	if (!r->target->mapping.sets_values)
		return l->len;
	for (size_t i = 0; i < s->n; i++) {
		size_t c = s->columns[i];

		size += reader_json(r, c)->tok[r->value[c]].len;
	}
	return size;
}

/* Makes the empty strings of the record null. */
static void
null_empty_values(struct reader *r)
{
	const struct mapping *m = &r->target->mapping;

	for (size_t c = 0; c < r->target->table->n; c++)
		if ((int)c != m->extra_column)
			mapping_null_empty(m, &r->json, r->value[c]);
}

bool
row_is_base64(struct buf *scratch, const struct json *j, uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];

	if (t->type == JSON_NULL)
		return true;
	if (t->type != JSON_STRING)
		return false;
	if ((t->flags & JSON_ESCAPED) == 0)
		return base64_is_valid(j->text + t->at + 1, t->len - 2);
	buf_clear(scratch);
	json_unescape(scratch, j, tok);
	return base64_is_valid(buf_text(scratch), scratch->len);
}

/* True if all elements are base64 or null, also those of inner arrays. */
static bool
all_are_base64(struct reader *r, const struct json_tok *t)
{
	const struct json *j = &r->inner;
	struct json_fault f = { 0 };

	if (json_scan(&r->inner, r->json.text + t->at, t->len, JSON_LEVELS_ALL,
		JSON_LAST, &f) == -1) {
		r->text.failed = true;
		return false;
	}
	for (uint32_t i = 0; i < j->n;) {
		if (j->tok[i].type != JSON_ARRAY &&
		    !row_is_base64(&r->text, j, i))
			return false;
		i = j->tok[i].type == JSON_ARRAY ? i + 1 : j->tok[i].next;
	}
	return true;
}

bool
row_fits_base64(struct reader *r, size_t column)
{
	const struct column *c = &r->target->table->columns[column];
	const struct json_tok *t = &r->json.tok[r->value[column]];

	if (!r->target->mapping.base64)
		return true;
	if (c->kind == COLUMN_BYTES)
		return row_is_base64(&r->text, &r->json, r->value[column]);
	if (c->kind != COLUMN_ARRAY || c->element != COLUMN_BYTES)
		return true;
	return t->type == JSON_ARRAY ? all_are_base64(r, t) :
	    t->type != JSON_STRING;     /* PostgreSQL would read it as hex */
}

int
row_reject_not_base64(struct reader *r, struct reject *why, size_t column)
{
	return reader_reject(r, why, column, "type",
	    "not base64 (RFC 4648), as --bytes says");
}

int
row_check_base64(struct reader *r, struct reject *why, struct err *e)
{
	for (size_t c = 0; c < r->target->table->n; c++) {
		if (r->value[c] == 0 || row_fits_base64(r, c))
			continue;
		if (buf_check(&r->text, e) == -1)
			return -1;
		return row_reject_not_base64(r, why, c);
	}
	return buf_check(&r->text, e) == -1 ? -1 : 1;
}

int
row_finish(struct reader *r, struct reject *why, struct err *e)
{
	const struct mapping *m = &r->target->mapping;

	if (m->extra == EXTRA_COLUMN && store_extra(r, e) == -1)
		return -1;
	if (m->empty_as_null)
		null_empty_values(r);
	return m->base64 ? row_check_base64(r, why, e) : 1;
}

uint32_t
row_find_value(struct reader *r, size_t column)
{
	const struct mapping *m = &r->target->mapping;
	uint32_t v;

	if (r->target->mode->changes && r->change.key_value[column] != 0)
		v = r->change.key_value[column];
	else if (r->by_name)
		v = json_member_value(&r->json, 0,
		    r->target->table->columns[column].name, r->lens[column]);
	else
		return mapping_find_value(
		    m, r->target->table, &r->json, column);
	mapping_null_empty(m, &r->json, v);
	return v;
}
