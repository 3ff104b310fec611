#include "change.h"

#include "base/text.h"
#include "json/pointer.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_MEMBER "etl.k"      /* members are found by their place */

static int
scan_copied_text(
    const struct change *c, struct json *j, struct buf *b, struct err *e)
{
	struct json_fault f;

	if (buf_check(b, e) == -1)
		return -1;
	if (json_scan(j, b->data, b->len, c->target->mapping.levels, JSON_LAST,
	    &f) == 0)
		return 0;
	return f.nomem ? err_nomem(e) :
	    err_bug(e, "the copy of a key cannot be read");
}

/* Returns the token of the value of column number i of the key, or 0. */
static uint32_t
find_key_value(const struct change *c, struct json *j, size_t i)
{
	const struct target *t = c->target;

	return j == NULL ? 0 :
	    mapping_find_value(&t->mapping, t->table, j, t->key[i]);
}

static bool
has_value(const struct json *j, uint32_t token)
{
	return token != 0 && j->tok[token].type != JSON_NULL;
}

/* Appends a member with the value of column number i of the key. The value is
 * read from *first or, if it is missing or null there, from *second. Returns
 * false if neither has it. */
static bool
put_key_member(struct buf *b, const struct change *c, size_t i,
    struct json *first, struct json *second)
{
	uint32_t one = find_key_value(c, first, i);
	uint32_t two = find_key_value(c, second, i);
	bool second_counts = !has_value(first, one) && two != 0;
	const struct json *j = second_counts ? second : first;
	const struct json_tok *t = &j->tok[second_counts ? two : one];

	if (one == 0 && two == 0)
		return false;
	json_put_raw(b, KEY_MEMBER, j->text + t->at, t->len);
	return true;
}

/* The object *j begins with the values of some key columns, in the order of the
 * key: those whose value[] is not 0. Sets their value[] to the tokens of the
 * values. Returns the token of the member after them. */
static uint32_t
set_key_values(const struct change *c, const struct json *j, uint32_t *value)
{
	const size_t *key = c->target->key;
	uint32_t t = 1;

	for (size_t i = 0; i < c->target->nkey; i++)
		if (value[key[i]] != 0) {
			value[key[i]] = t + 1;
			t = j->tok[t + 1].next;
		}
	return t;
}

/* Makes an object that has only the members of the key: writes it into b, scans
 * it into *out, and sets value[] of the key's columns. */
static int
make_key_object(struct change *c, struct buf *b, struct json *first,
    struct json *second, struct json *out, uint32_t *value, struct err *e)
{
	buf_clear(b);
	buf_char(b, '{');
	for (size_t i = 0; i < c->target->nkey; i++)
		value[c->target->key[i]] =
		    put_key_member(b, c, i, first, second);
	buf_char(b, '}');
	if (scan_copied_text(c, out, b, e) == -1)
		return -1;
	(void)set_key_values(c, out, value);
	return 0;
}

/* An UPDATE may lack columns of the key because it has only changed members. If
 * the row before the change has them, adds them to *row. */
static int
add_missing_key(struct change *c, struct json *row, struct err *e)
{
	struct buf *b = &c->row_text;
	bool any = false;

	buf_clear(b);
	buf_char(b, '{');
	for (size_t i = 0; i < c->target->nkey; i++)
		if (find_key_value(c, row, i) == 0 &&
		    has_value(&c->old, find_key_value(c, &c->old, i))) {
			c->key_value[c->target->key[i]] =
			    put_key_member(b, c, i, &c->old, NULL);
			any = true;
		}
	if (!any)
		return 0;
	if (row->tok[0].members > 0)
		buf_char(b, ',');
	buf_add(b, row->text + 1, row->len - 1);
	if (scan_copied_text(c, row, b, e) == -1)
		return -1;
	c->first_member = set_key_values(c, row, c->key_value);
	return 0;
}

/* True if the row before the change has another key than the row after it. */
static bool
old_key_differs(struct change *c, struct json *row)
{
	for (size_t i = 0; i < c->target->nkey; i++) {
		uint32_t added = c->key_value[c->target->key[i]];
		uint32_t a = added != 0 ? added : find_key_value(c, row, i);
		uint32_t b = find_key_value(c, &c->old, i);
		const struct json_tok *x = &row->tok[a], *y = &c->old.tok[b];

		if (has_value(&c->old, b) && (a == 0 || x->len != y->len ||
		    memcmp(row->text + x->at, c->old.text + y->at, x->len) !=
		    0))
			return true;
	}
	return false;
}

/* Called for an UPDATE; c->old is the row before the change. If *row lacks
 * columns of the key, adds them from c->old, as the first members of *row. If
 * the key has changed, sets c->moves and replaces c->old by an object with the
 * old key only. */
static int
change_set_keys(struct change *c, struct json *row, struct err *e)
{
	if (add_missing_key(c, row, e) == -1)
		return -1;
	c->moves = old_key_differs(c, row);
	return !c->moves ? 0 : make_key_object(
	    c, &c->old_text, &c->old, row, &c->old, c->old_value, e);
}

/* Removes all members from *row except the key. A column of the key that *row
 * lacks is read from *other, which may be NULL. */
static int
change_keep_key(struct change *c, struct json *row,
    struct json *other, struct err *e)
{
	if (make_key_object(c, &c->row_text, row, other, row, c->key_value,
	    e) == -1)
		return -1;
	c->first_member = row->n;
	return 0;
}

#define OLD_COLUMN "etl.k"

/* An object in a change that has the members of a row: `data`, `after` or
 * `before`. */
struct image {
	uint32_t token;                 /* 0: there is none */
	const char *place;
};

int
change_open(struct change *c, struct stage *s, const struct target *t,
    struct err *e)
{
	*c = (struct change){ .stage = s, .target = t, .place = "",
		.old_place = "",
		.old_shape = { .columns = t->key, .n = t->nkey } };
	buf_init(&c->row_text, SIZE_MAX / 4);
	buf_init(&c->old_text, SIZE_MAX / 4);
	c->old_value = calloc(t->table->n + 1, sizeof(*c->old_value));
	c->key_value = calloc(t->table->n + 1, sizeof(*c->key_value));
	return c->old_value == NULL || c->key_value == NULL ? err_nomem(e) : 0;
}

void
change_close(struct change *c)
{
	json_release(&c->old);
	json_release(&c->envelope);
	free(c->old_value);
	free(c->key_value);
	buf_release(&c->row_text);
	buf_release(&c->old_text);
	*c = (struct change){ 0 };
}

bool
change_is_tombstone(const struct line *l)
{
	const char *p = l->data, *end = p + l->len;

	while (p < end && strchr(" \t\r", *p) != NULL && *p != '\0')
		p++;
	while (end > p && strchr(" \t\r", end[-1]) != NULL && end[-1] != '\0')
		end--;
	return !l->too_long && end - p == 4 && memcmp(p, "null", 4) == 0;
}

static int
reject_change(struct change *c, struct reject *why, const char *code,
    const char *pointer, const char *message)
{
	(void)snprintf(c->message, sizeof(c->message), "%s", message);
	*why = (struct reject){ .code = code, .pointer = pointer,
		.message = c->message };
	return 0;
}

/* Returns the token of the member, or 0 if it is absent or null. */
static uint32_t
find_non_null(const struct change *c, const char *name)
{
	uint32_t v = json_member_value(&c->envelope, 0, name, strlen(name));

	return v == 0 || c->envelope.tok[v].type == JSON_NULL ? 0 : v;
}

/* A member that is null does not count. */
static bool
has_non_null(const struct json *j, const char *name)
{
	uint32_t v = json_member_value(j, 0, name, strlen(name));

	return v != 0 && j->tok[v].type != JSON_NULL;
}

bool
change_has_null_payload(const struct json *record)
{
	uint32_t v = json_member_value(record, 0, "payload", 7);

	return v != 0 && record->tok[v].type == JSON_NULL &&
	    !has_non_null(record, "operation") &&
	    !has_non_null(record, "op");
}

/* Debezium can write the change into the member `payload`, with a member
 * `schema` beside it. If so, c->envelope becomes the object in `payload`, and
 * *inside is true. Returns 1; 2 if the payload is null, a tombstone; 0 or -1 as
 * change_read(). */
static int
enter_payload(struct change *c, enum json_members duplicates, bool *inside,
    struct reject *why, struct err *e)
{
	struct json *j = &c->envelope;
	uint32_t v = json_member_value(j, 0, "payload", 7);
	struct json_fault f;

	*inside = v != 0 && find_non_null(c, "operation") == 0 &&
	    find_non_null(c, "op") == 0;
	if (!*inside)
		return 1;
	if (j->tok[v].type == JSON_NULL)
		return 2;
	if (j->tok[v].type != JSON_OBJECT)
		return reject_change(c, why, "type", "/payload",
		    "the payload is not an object");
	if (json_scan(j, j->text + j->tok[v].at, j->tok[v].len, 1, duplicates,
	    &f) == -1)
		return f.nomem ? err_nomem(e) : err_bug(e, "the payload of a "
		    "change cannot be read a second time");
	return 1;
}

static int
reject_operation(struct change *c, struct reject *why, const char *pointer,
    const char *text, size_t len)
{
	(void)reject_change(c, why, "schema", pointer, "");
	if ((len == 1 && *text == 't') ||
	    (len == 8 && strncasecmp(text, "truncate", len) == 0))
		(void)snprintf(c->message, sizeof(c->message), "the source has "
		    "emptied its table (truncate): etl-load does not do this "
		    "for one record; empty the table yourself, or load all "
		    "rows of the source with --mode replace");
	else
		(void)snprintf(c->message, sizeof(c->message), "unknown "
		    "operation %.*s: it must be INSERT, UPDATE or DELETE, or "
		    "c, r, u or d", (int)text_cut_length(text, len, 80), text);
	return 0;
}

/* Sets c->operation from the member `operation` or `op`. Debezium writes r
 * (read) for a row of its snapshot, which is loaded like an INSERT. Returns 0
 * if the record must be rejected. */
static int
set_operation(struct change *c, bool inside, struct reject *why)
{
	static const struct {
		const char *word;
		enum operation operation;
	} words[] = {
		{ "INSERT", OPERATION_INSERT }, { "UPDATE", OPERATION_UPDATE },
		{ "DELETE", OPERATION_DELETE }, { "c", OPERATION_INSERT },
		{ "r", OPERATION_INSERT }, { "u", OPERATION_UPDATE },
		{ "d", OPERATION_DELETE },
	};
	uint32_t word = find_non_null(c, "operation");
	const char *place = inside ? "/payload/operation" : "/operation";
	const struct json_tok *t;
	const char *text;

	if (word == 0) {
		word = find_non_null(c, "op");
		place = inside ? "/payload/op" : "/op";
	}
	if (word == 0)
		return reject_change(c, why, "schema", NULL, "the record has "
		    "no member \"operation\" or \"op\": it is not a change, "
		    "which --mode cdc reads");
	t = &c->envelope.tok[word];
	text = c->envelope.text + t->at;
	if (t->type != JSON_STRING)
		return reject_operation(c, why, place, text, t->len);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == t->len - 2 &&
		    strncasecmp(words[i].word, text + 1, t->len - 2) == 0) {
			c->operation = words[i].operation;
			return 1;
		}
	return reject_operation(c, why, place, text + 1, t->len - 2);
}

/* Finds the object of the member. Returns 0 if the member is not an object, so
 * that the record must be rejected. */
static int
find_row_object(struct change *c, const char *name, const char *place,
    struct image *image, struct reject *why)
{
	*image = (struct image){ find_non_null(c, name), place };
	if (image->token == 0 ||
	    c->envelope.tok[image->token].type == JSON_OBJECT)
		return 1;
	(void)reject_change(c, why, "type", place, "");
	(void)snprintf(c->message, sizeof(c->message), "\"%s\" is not an "
	    "object with the members of a row", name);
	return 0;
}

/* The row after the change is in `data` or, as Debezium names it, `after`. The
 * row before the change is in `before`. Returns 0 if the record must be
 * rejected. */
static int
find_rows(struct change *c, bool inside, struct image *after,
    struct image *before, struct reject *why)
{
	if (find_row_object(c, "data", inside ? "/payload/data" :
	    "/data", after, why) == 0 || (after->token == 0 &&
	    find_non_null(c, "after") != 0 &&
	    find_row_object(c, "after", inside ? "/payload/after" :
	    "/after", after, why) == 0))
		return 0;
	return find_row_object(c, "before", inside ? "/payload/before"
	    : "/before", before, why);
}

static int
scan_row_object(struct change *c, struct json *j, const struct image *image,
    struct err *e)
{
	const struct json_tok *t = &c->envelope.tok[image->token];
	struct json_fault f;

	if (json_scan(j, c->envelope.text + t->at, t->len,
		c->target->mapping.levels, JSON_LAST, &f) == 0)
		return 0;
	return f.nomem ? err_nomem(e) :
	    err_bug(e, "an object of a change cannot be read a second time");
}

static int
read_old_row(struct change *c, struct json *row, const struct image *before,
    struct err *e)
{
	if (before->token == 0)
		return 1;
	c->old_place = before->place;
	if (scan_row_object(c, &c->old, before, e) == -1)
		return -1;
	return change_set_keys(c, row, e) == -1 ? -1 : 1;
}

/* Reads only the key of the row that a DELETE names. Each value is read from
 * `before` or, if it is missing there, from `data` or `after`. */
static int
read_delete_key(struct change *c, struct json *row, const struct image *after,
    const struct image *before, struct err *e)
{
	const struct image *first = before->token != 0 ? before : after;
	bool both = before->token != 0 && after->token != 0;

	c->place = first->place;
	if (scan_row_object(c, row, first, e) == -1 ||
	    (both && scan_row_object(c, &c->old, after, e) == -1))
		return -1;
	return change_keep_key(c, row, both ? &c->old : NULL, e) == -1 ? -1 : 1;
}

static int
reject_no_row(struct change *c, const char *place, struct reject *why)
{
	return reject_change(c, why, "required", place,
	    c->operation == OPERATION_DELETE ?
	    "the DELETE has no \"before\" or \"data\" with the key of a row" :
	    "the change has no \"data\" or \"after\" with the members of a "
	    "row");
}

int
change_read(struct change *c, const struct line *l, struct json *row,
    enum json_members duplicates, struct reject *why, struct err *e)
{
	struct image after, before;
	bool inside = false;
	int rc;

	c->place = "";
	c->moves = false;
	c->first_member = 1;
	for (size_t i = 0; i < c->target->nkey; i++)
		c->key_value[c->target->key[i]] = 0;
	*why = (struct reject){ 0 };
	if (change_is_tombstone(l))
		return 2;
	rc = stage_parse_only(c->stage, l, &c->envelope, 1, duplicates, why, e);
	if (rc == 1)
		rc = enter_payload(c, duplicates, &inside, why, e);
	if (rc == 1)
		rc = set_operation(c, inside, why);
	if (rc == 1)
		rc = find_rows(c, inside, &after, &before, why);
	if (rc != 1)
		return rc;
	if (c->operation == OPERATION_DELETE)
		return after.token == 0 && before.token == 0 ?
		    reject_no_row(c, before.place, why) :
		    read_delete_key(c, row, &after, &before, e);
	if (after.token == 0)
		return reject_no_row(c, after.place, why);
	c->place = after.place;
	if (scan_row_object(c, row, &after, e) == -1)
		return -1;
	return c->operation == OPERATION_UPDATE ?
	    read_old_row(c, row, &before, e) : 1;
}

/* Debezium writes this text in place of a large value of PostgreSQL (stored as
 * TOAST) if an UPDATE has not changed it: the change that it receives lacks
 * this value. */
bool
change_drop_absent(const struct json *row, uint32_t *value, size_t columns)
{
	static const char text[] = "\"__debezium_unavailable_value\"";
	bool any = false;

	for (size_t c = 0; c < columns; c++) {
		const struct json_tok *t = &row->tok[value[c]];

		if (value[c] == 0 || t->len != sizeof(text) - 1 ||
		    memcmp(row->text + t->at, text, t->len) != 0)
			continue;
		value[c] = 0;
		any = true;
	}
	return any;
}

void
change_old_name(char name[CHANGE_NAME], size_t key_part)
{
	(void)snprintf(name, CHANGE_NAME, OLD_COLUMN "%zu", key_part);
}

void
change_put_pointer(struct buf *b, const struct change *c, const char *member)
{
	const size_t prefix = strlen("/" OLD_COLUMN);
	size_t i;

	if (strncmp(member, "/" OLD_COLUMN, prefix) != 0) {
		buf_printf(b, "%s%s", c->place, member);
		return;
	}
	i = strtoul(member + prefix, NULL, 10);
	buf_str(b, c->old_place);
	if (i < c->target->nkey)
		(void)target_put_pointer(b, c->target, c->target->key[i]);
}

const char *
change_missing_why(enum operation operation)
{
	return operation == OPERATION_DELETE ?
	    "the table has no row with this key, which the record deletes "
	    "(--strict)" :
	    "the table has no row with this key, which the record updates "
	    "(--strict)";
}
