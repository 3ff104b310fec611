#include "row.h"

#include "base/base64.h"
#include "base/text.h"
#include "json/name.h"
#include "json/pointer.h"
#include "json/write.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sets the pointer of *why to the member of this name. */
static void
reader_set_pointer(struct reader *r, struct reject *why, const char *name,
    size_t len)
{
	buf_clear(&r->pointer);
	pointer_put_part(&r->pointer, name, len);
	why->pointer = buf_text(&r->pointer);
}

/* Returns, for messages, where the record should have the value: the name of
 * the column, or the pointer that --map gives it. */
static const char *
reader_get_place(const struct reader *r, size_t column)
{
	const char *pointer = r->target->mapping.pointer[column];

	return pointer != NULL ? pointer :
	    r->target->table->columns[column].name;
}

static void
point_to_old_key(struct reader *r, struct reject *why, size_t column)
{
	char name[CHANGE_NAME];
	size_t i = 0;

	while (r->target->key[i] != column)
		i++;
	change_old_name(name, i);
	reader_set_pointer(r, why, name, strlen(name));
}

int
reader_reject(struct reader *r, struct reject *why, size_t column,
    const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
	*why = (struct reject){ .code = code, .message = r->message };
	if (r->at_old_key) {
		point_to_old_key(r, why, column);
		return 0;
	}
	buf_clear(&r->pointer);
	if (target_put_pointer(&r->pointer, r->target, column))
		why->pointer = buf_text(&r->pointer);
	return 0;
}

/* True if the member is the one of --as-of, and no column with its name stores
 * it. `column` is the column with this name, or the number of columns if there
 * is none. The column does not store the member if --mode scd2 sets the column,
 * --columns leaves it out, or --map gives it another value. */
static bool
is_time_of_change(const struct reader *r, size_t column, const char *name,
    size_t len)
{
	const struct target *t = r->target;
	const char *as_of = t->history.as_of;

	return as_of != NULL && strlen(as_of) == len &&
	    memcmp(as_of, name, len) == 0 &&
	    (column == t->table->n || history_sets(t, column) ||
	    t->mapping.pointer[column] != NULL ||
	    !mapping_loads(&t->mapping, t->table, column));
}

static int
reject_time(struct reader *r, struct reject *why, struct as_of_refusal no)
{
	const char *name = r->target->history.as_of;

	(void)snprintf(r->message, sizeof(r->message),
	    "the time of change (--as-of %.200s): %s", name, no.message);
	buf_clear(&r->pointer);
	pointer_put_part(&r->pointer, name, strlen(name));
	*why = (struct reject){ .code = no.code, .message = r->message,
		.pointer = buf_text(&r->pointer) };
	return 0;
}

/* Reads the member of --as-of from r->json into r->as_of. Returns 1; 0: the
 * record must be rejected, *why says why, or memory ran out (r->text.failed is
 * true). */
static int
read_time_of_change(struct reader *r, struct reject *why)
{
	static const struct as_of_refusal absent = { "required",
		"the record has no such member" }, null = { "required",
		"it is null" }, other = { "type", "not a date or time" };
	const struct history *h = &r->target->history;
	struct as_of_refusal no;
	uint32_t tok;

	r->as_of[0] = '\0';
	if (h->as_of == NULL)
		return 1;
	tok = json_member_value(&r->json, 0, h->as_of, strlen(h->as_of));
	if (tok == 0)
		return reject_time(r, why, absent);
	if (r->json.tok[tok].type != JSON_STRING)
		return reject_time(r, why,
		    r->json.tok[tok].type == JSON_NULL ? null : other);
	buf_clear(&r->text);
	json_unescape(&r->text, &r->json, tok);
	if (r->text.failed)
		return 0;
	return as_of_convert(r->as_of, buf_text(&r->text),
	    r->text.len, h->digits, r->target->lossy, &no) ? 1 :
	    reject_time(r, why, no);
}

enum { POINTER_SHOWN = 200 };   /* bytes of a long pointer in a message */

/* Called before the members of a row are read. */
static void
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

/* Finds the column for the member `name` of the row; its value is token `tok` +
 * 1. *column is the number of columns if the member has no column but the
 * record is valid. Returns 0 if the record must be rejected, or if memory is
 * out: then r->text.failed is set. */
static int
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

/* Called for a record that must be rejected because a member has no column.
 * Returns 0 or, if --extra error is given, -1 with ERR_DATA. */
static int
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

/* Called after the members of the row are read: sets the values of --map. With
 * --map also sets *same to false. Two records with the same members may have
 * different shapes then: a pointer may find a value in one of them only. */
static void
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

/* True if --bytes base64 allows the value of the column: the option is not
 * given, the column has another type than bytes, or the value is base64. */
static bool
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

/* Rejects the record if a value for a column of bytes is not base64. */
static int
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

/* Called after row_set_mapped(), if an option sets or checks values: stores the
 * object of --extra, makes empty strings null (--empty-as-null) and checks
 * --bytes. */
static int
row_finish(struct reader *r, struct reject *why, struct err *e)
{
	const struct mapping *m = &r->target->mapping;

	if (m->extra == EXTRA_COLUMN && store_extra(r, e) == -1)
		return -1;
	if (m->empty_as_null)
		null_empty_values(r);
	return m->base64 ? row_check_base64(r, why, e) : 1;
}

/* Returns the token of the value that the column gets from the scanned row, or
 * 0 if the row has none. Unlike r->value, this works also if reader_read() was
 * not called. */
static uint32_t
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

/* Rejects the record if its value for column c is missing or null. `use` says
 * in the message what the column is for, such as "is part of the key". */
static int
require_value(struct reader *r, struct reject *why, size_t c, const char *use)
{
	const char *name = reader_get_place(r, c);

	if (r->value[c] == 0)
		return reader_reject(r, why, c, "required",
		    "the record has no \"%s\", which %s", name, use);
	if (r->json.tok[r->value[c]].type == JSON_NULL)
		return reader_reject(r, why, c, "required",
		    "\"%s\" is null, but it %s", name, use);
	return 1;
}

/* Rejects a record without a value for a column of the key or of --newer-by.
 * Returns 1, or 0: *why says why. */
static int
reader_require_key(struct reader *r, struct reject *why)
{
	const struct target *t = r->target;

	for (size_t i = 0; i < t->nkey; i++)
		if (require_value(r, why, t->key[i], "is part of the key") == 0)
			return 0;
	return t->newer_by == NO_COLUMN ? 1 :
	    require_value(r, why, (size_t)t->newer_by,
		"says which row is newer (--newer-by)");
}

void
reader_swap_key(struct reader *r)
{
	struct change *c = &r->change;
	const struct json json = r->json;
	uint32_t *value = r->value;
	const struct shape *shape = r->shape;

	r->json = c->old;
	c->old = json;
	r->value = c->old_value;
	c->old_value = value;
	r->at_old_key = !r->at_old_key;
	r->shape = r->at_old_key ? &c->old_shape : r->shape_of_row;
	if (r->at_old_key)
		r->shape_of_row = shape;
}

/* Scans a record that was matched or rejected before, so duplicate members are
 * no error now. Returns 1; 0: the line is not a JSON object, or not a change;
 * -1 with *e. */
static int
scan_record_again(struct reader *r, const struct line *l, struct err *e)
{
	struct json_fault f = { 0 };
	struct reject why;
	int rc;

	if (r->target->mode->changes) {
		rc = change_read(&r->change, l, &r->json, JSON_LAST, &why, e);
		return rc == 2 ? 0 : rc;
	}
	if (l->too_long)
		return 0;
	if (json_scan(&r->json, l->data, l->len, r->target->mapping.levels,
	    JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	return r->json.tok[0].type == JSON_OBJECT;
}

int
reader_put_key_json(struct reader *r, const struct line *l, struct buf *out,
    struct err *e)
{
	const struct target *t = r->target;
	int rc;

	if (t->nkey == 0)
		return 0;
	if ((rc = scan_record_again(r, l, e)) != 1)
		return rc;
	for (size_t i = 0; i < t->nkey; i++) {
		uint32_t v = row_find_value(r, t->key[i]);

		if (v == 0 || r->json.tok[v].type == JSON_NULL)
			return 0;
		buf_char(out, i == 0 ? '[' : ',');
		json_put_compact(out, &r->json, v);
	}
	buf_char(out, ']');
	return buf_check(out, e) == -1 ? -1 : 1;
}

int
reader_open(struct reader *r, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e)
{
	size_t n = t->table->n;

	*r = (struct reader){ .stage = s, .target = t,
		.duplicates = duplicates };
	buf_init(&r->text, SIZE_MAX / 2);
	buf_init(&r->pointer, SIZE_MAX / 2);
	buf_init(&r->extra_text, SIZE_MAX / 2);
	r->value = calloc(n + 1, sizeof(*r->value));
	r->lens = calloc(n + 1, sizeof(*r->lens));
	r->guess = calloc(n + 1, sizeof(*r->guess));
	if (r->value == NULL || r->lens == NULL || r->guess == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		r->lens[i] = strlen(t->table->columns[i].name);
	r->lens[n] = SIZE_MAX;
	return t->mode->changes ? change_open(&r->change, s, t, e) : 0;
}

static void
free_all_shapes(struct reader *r)
{
	for (size_t i = 0; i < r->nshapes; i++) {
		free(r->shapes[i]->columns);
		free(r->shapes[i]);
	}
	r->nshapes = 0;
	r->shape = NULL;
	r->nguess = 0;
}

void
reader_close(struct reader *r)
{
	free_all_shapes(r);
	json_release(&r->json);
	json_release(&r->inner);
	change_close(&r->change);
	free(r->value);
	free(r->lens);
	free(r->guess);
	free(r->shapes);
	buf_release(&r->text);
	buf_release(&r->pointer);
	buf_release(&r->extra_text);
	member_index_release(&r->members);
	*r = (struct reader){ 0 };
}

bool
reader_forget_shapes(struct reader *r)
{
	if (r->nshapes < SHAPES_MAX)
		return false;
	free_all_shapes(r);
	return true;
}

/* Returns the characters of a string token, without the quotes and with the
 * escapes decoded. */
static const char *
get_string(struct reader *r, uint32_t tok, size_t *len)
{
	const struct json_tok *t = &r->json.tok[tok];

	if (t->flags & JSON_ESCAPED) {
		buf_clear(&r->text);
		json_unescape(&r->text, &r->json, tok);
		*len = r->text.len;
		return *len > 0 ? r->text.data : "";
	}
	*len = t->len - 2;
	return r->json.text + t->at + 1;
}

static bool
column_has_name(
    const struct reader *r, size_t column, const char *name, size_t len)
{
	return r->lens[column] == len &&
	    memcmp(r->target->table->columns[column].name, name, len) == 0;
}

/* Finds the column for member number i of the record, whose name is token
 * `tok`, and stores the token of the member's value in r->value[column]. Sets
 * *same to false if member number i of the previous record had another name:
 * then this record may have another shape (set of columns). Returns 1; 0: the
 * record must be rejected (see *why), or memory ran out (r->text.failed is
 * true). */
static int
store_member(struct reader *r, size_t i, uint32_t tok, bool *same,
    struct reject *why)
{
	const size_t n = r->target->table->n;
	const char *name;
	size_t len, c;

	name = get_string(r, tok, &len);
	if (r->text.failed)
		return 0;
	c = i < r->nguess ? r->guess[i] : 0;
	if (i >= r->nguess || !column_has_name(r, c, name, len)) {
		*same = false;
		if (row_find_column(r, tok, name, len, &c, why) == 0)
			return 0;
	}
	if (i < n) {
		r->guess[i] = c;
		if (i >= r->nguess)
			r->nguess = i + 1;
	}
	r->value[c] = tok + 1;
	return 1;
}

static bool
record_has_shape(const struct reader *r, const struct shape *s)
{
	size_t k = 0;

	for (size_t c = 0; c < r->target->table->n; c++) {
		bool in = k < s->n && s->columns[k] == c;

		if (in != (r->value[c] != 0))
			return false;
		k += in;
	}
	return true;
}

static int
shapes_grow(struct reader *r)
{
	struct shape **p = realloc(r->shapes,
	    (r->nshapes + SHAPES_MAX) * sizeof(struct shape *));

	if (p == NULL)
		return -1;
	r->shapes = p;
	return 0;
}

static int
add_shape(struct reader *r, struct err *e)
{
	size_t n = r->target->table->n;
	struct shape *s = calloc(1, sizeof(*s));

	if (s == NULL ||
	    (r->nshapes % SHAPES_MAX == 0 && shapes_grow(r) == -1) ||
	    (s->columns = calloc(n + 1, sizeof(*s->columns))) == NULL) {
		free(s);
		return err_nomem(e);
	}
	for (size_t c = 0; c < n; c++)
		if (r->value[c] != 0)
			s->columns[s->n++] = c;
	s->id = r->nshapes;
	r->shapes[r->nshapes++] = s;
	r->shape = s;
	return 0;
}

/* Sets r->shape. Adds the shape to r->shapes if no earlier record had it. */
static int
set_shape(struct reader *r, struct err *e)
{
	if (r->shape != NULL && record_has_shape(r, r->shape))
		return 0;
	for (size_t i = 0; i < r->nshapes; i++)
		if (record_has_shape(r, r->shapes[i])) {
			r->shape = r->shapes[i];
			return 0;
		}
	return add_shape(r, e);
}

/* Finds special characters in the strings of the value of column c: *flags gets
 * the bit JSON_NUL if there is a \u0000, and the bit JSON_LONE if there is half
 * of a surrogate pair. */
static int
find_bad_chars(struct reader *r, size_t c, unsigned int *flags, struct err *e)
{
	const struct json *j = reader_json(r, c);
	const struct json_tok *t = &j->tok[r->value[c]];
	struct json_fault f;

	*flags = t->flags;
	if (t->type != JSON_ARRAY && t->type != JSON_OBJECT)
		return 0;
	*flags = 0;
	/* A text column stores an array or object as JSON text. There \u0000
	 * stays an escape, six characters that the database can store. */
	if (r->target->table->columns[c].kind == COLUMN_TEXT)
		return 0;
	if (json_scan(&r->inner, j->text + t->at, t->len, 0, JSON_LAST,
	    &f) == -1)
		return f.nomem ? err_nomem(e) :
		    err_bug(e, "a value cannot be read a second time");
	*flags = r->inner.flags;
	return 0;
}

/* Rejects the record if a string has a character that the database cannot
 * store. */
static int
reject_strings(struct reader *r, struct reject *why, struct err *e)
{
	const struct column *columns = r->target->table->columns;
	unsigned int flags;

	for (size_t i = 0; i < r->shape->n; i++) {
		size_t c = r->shape->columns[i];

		if (find_bad_chars(r, c, &flags, e) == -1)
			return -1;
		if (flags & JSON_NUL && columns[c].kind != COLUMN_BYTES)
			return reader_reject(r, why, c, "encoding",
			    "the text contains \\u0000, which the database "
			    "cannot store");
		if (flags & JSON_LONE)
			return reader_reject(r, why, c, "encoding",
			    "the text contains half of a surrogate pair, which "
			    "is not a character");
	}
	return 1;
}

/* Rejects the record if it has no value for a column of --scope. */
static int
require_scope(struct reader *r, struct reject *why)
{
	const struct shape *s = &r->target->scope;

	for (size_t i = 0; i < s->n; i++)
		if (r->value[s->columns[i]] == 0)
			return reader_reject(r, why, s->columns[i], "required",
			    "the record has no \"%s\", which --scope needs",
			    reader_get_place(r, s->columns[i]));
	return 1;
}

/* Forgets the values of the previous record. In --mode cdc keeps the values of
 * the key that the change has added to the row. Returns the token of the first
 * member that is to be stored. */
static uint32_t
clear_values(struct reader *r)
{
	size_t size = r->target->table->n * sizeof(*r->value);

	if (!r->target->mode->changes) {
		memset(r->value, 0, size);
		return 1;
	}
	memcpy(r->value, r->change.key_value, size);
	return r->change.first_member;
}

static int
store_values(struct reader *r, bool *same, struct reject *why)
{
	const struct json_tok *tok = r->json.tok;
	uint32_t first = clear_values(r);
	size_t i = 0;

	buf_clear(&r->text);
	row_begin_extra(r);
	for (uint32_t t = first; t < r->json.n; t = tok[t + 1].next, i++)
		if (store_member(r, i, t, same, why) == 0) {
			r->nguess = 0;
			return 0;
		}
	if (i != r->nguess || r->shape == NULL || first != 1)
		*same = false;
	r->nguess = first != 1 ? 0 : i < r->target->table->n ? i :
	    r->target->table->n;
	return 1;
}

/* Rejects the record if a column cannot store its old key. */
static int
reject_old_key(struct reader *r, struct reject *why, struct err *e)
{
	int rc;

	reader_swap_key(r);
	rc = reject_strings(r, why, e);
	if (rc == 1 && r->target->mapping.base64)
		rc = row_check_base64(r, why, e);
	reader_swap_key(r);
	return rc;
}

int
reader_read(struct reader *r, const struct line *l, struct reject *why,
    struct err *e)
{
	bool same = true;
	int rc;

	*why = (struct reject){ 0 };
	rc = r->target->mode->changes ?
	    change_read(
		&r->change, l, &r->json, r->duplicates, why, e) :
	    stage_parse_shared(r->stage, l, &r->json,
		r->target->mapping.levels, r->duplicates, why, r->message, e);
	if (rc != 1)
		return rc;
	if (store_values(r, &same, why) == 0)
		return r->text.failed ? err_nomem(e) : row_check_extra(r, l, e);
	row_set_mapped(r, &same);
	if (r->target->mode->changes &&
	    change_drop_absent(&r->json, r->value, r->target->table->n)) {
		/* Forget the guesses: the next record may have values for the
		 * columns that have none in this record. */
		r->nguess = 0;
		same = false;
	}
	if (r->target->mapping.sets_values &&
	    (rc = row_finish(r, why, e)) != 1) {
		r->nguess = 0;  /* r->shape is not that of this record */
		return rc;
	}
	if ((!same || r->json.flags & (JSON_NUL | JSON_LONE)) &&
	    set_shape(r, e) == -1)
		return -1;
	if (r->json.flags & (JSON_NUL | JSON_LONE) &&
	    (rc = reject_strings(r, why, e)) != 1)
		return rc;
	if (r->change.moves &&
	    (rc = reject_old_key(r, why, e)) != 1)
		return rc;
	if (reader_require_key(r, why) == 0 || require_scope(r, why) == 0)
		return 0;
	return read_time_of_change(r, why) == 1 ? 1 :
	    r->text.failed ? err_nomem(e) : 0;
}

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
