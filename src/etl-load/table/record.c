#include "table/record.h"

#include "json/write.h"
#include "table/row_values.h"
#include "table/time_of_change.h"

#include <stdlib.h>
#include <string.h>

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
