#include "cursor/cursor_field.h"

#include "json/pointer.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 1024 };

static enum value_kind
kind_of_text(const char *text)
{
	return text == NULL ? VALUE_NONE : value_kind(text, strlen(text));
}

/* Sets f->expected, the kind (time, number or other text) that the cursor
 * values of the records should have: the kind of the stored checkpoint. If
 * there is no stored checkpoint, the value of --since or --start (`given`)
 * decides, but only if this value is a time or a number. Other text decides
 * nothing: the user may give only a date, such as 2024-01-31, for a cursor
 * that is a time. */
void
cursor_field_init(struct cursor_field *f, const char *pointer,
    const char *stored, const char *given)
{
	f->pointer = pointer;
	f->stored = stored;
	f->expected = kind_of_text(stored != NULL ? stored : given);
	if (stored == NULL && f->expected == VALUE_TEXT)
		f->expected = VALUE_NONE;
	if (f->expected == VALUE_TIME)
		f->kind = VALUE_TIME;
	buf_init(&f->text, VALUE_MAX);
}

void
cursor_field_release(struct cursor_field *f)
{
	buf_release(&f->text);
}

/* Sets the reason in *r why a record is rejected: the code, the JSON Pointer of
 * the cursor, and a message: the pointer, then `what` and `more`. Returns 0. */
static int
reject_cursor(struct cursor_field *f, struct reject *r, const char *code,
    const char *what, const char *more)
{
	r->code = code;
	r->pointer = f->pointer;
	r->message = f->why;
	(void)snprintf(f->why, sizeof(f->why), "%.120s: %s%s", f->pointer,
	    what, more);
	return 0;
}

/* Copies the cursor value of a record, which is the JSON token i, into f->text.
 * Returns 1; or 0 with the reason in *r if the value cannot be a cursor, such
 * as null, an object or a text of more than 1024 bytes. */
static int
copy_cursor_text(struct cursor_field *f, const struct json *j, uint32_t i,
    struct reject *r, struct err *e)
{
	const struct json_tok *t = &j->tok[i];

	buf_clear(&f->text);
	if (t->type == JSON_NULL)
		return reject_cursor(f, r, "required", "null, but each record "
		    "must have a cursor",
		    "");
	if (t->type != JSON_NUMBER && t->type != JSON_STRING)
		return reject_cursor(f, r, "type", json_type_name(t->type),
		    ", but the cursor must be a number or a string");
	if ((t->flags & (JSON_NUL | JSON_LONE)) != 0 &&
	    t->type == JSON_STRING)
		return reject_cursor(f, r, "encoding",
		    "cannot be stored: it has "
		    "a NUL character or half of a surrogate pair",
		    "");
	if (t->len > 6 * VALUE_MAX)
		return reject_cursor(f, r, "range", "longer than 1024 bytes, "
		    "which is too long for a cursor",
		    "");
	if (t->type == JSON_NUMBER)
		buf_add(&f->text, j->text + t->at, t->len);
	else
		json_unescape(&f->text, j, i);
	if (f->text.full) {
		f->text.failed = f->text.full = false;
		return reject_cursor(f, r, "range", "longer than 1024 bytes, "
		    "which is too long for a cursor",
		    "");
	}
	if (buf_check(&f->text, e) == -1)
		return -1;
	return f->text.len > 0 ? 1
	    : reject_cursor(f, r, "required",
	    "empty, but each record must have "
	    "a cursor",
				     "");
}

/* Sets f->kind, the kind (time, number or other text) that all cursor values of
 * this run must have, from the first cursor value. A JSON string of digits has
 * the kind text, even if the stored checkpoint looks like a number: that
 * checkpoint may also have come from a string of digits. Returns 1; or 0
 * without setting f->kind if a number is expected, but the value is a string
 * that does not look like a number: the caller then rejects the record. */
static int
set_first_kind(struct cursor_field *f, enum value_kind found, bool string,
    struct err *e)
{
	char stored[VALUE_SHOWN];

	if (f->expected == VALUE_NUMBER && string && found != VALUE_NUMBER)
		return 0;
	f->kind = string && found == VALUE_NUMBER ? VALUE_TEXT : found;
	if (f->stored != NULL && f->kind != VALUE_TEXT &&
	    f->expected != f->kind)
		return err_set(e, ERR_CONFIG, false,
		    "the stored checkpoint is "
		    "%s, '%.200s', but %.64s is %s: give --checkpoint another "
		    "name, or change the stored value with etl-checkpoint set",
		    value_kind_name(f->expected), value_show(stored, f->stored,
		    strlen(f->stored)), f->pointer, value_kind_name(f->kind));
	return 1;
}

static int
fail_mixed_kinds(const struct cursor_field *f, enum value_kind found,
    struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "%.64s is a string in one record "
	    "and %s in another, and the two cannot be compared: all values "
	    "must have the type of the value of --start, or of the stored "
	    "checkpoint", f->pointer, value_kind_name(found));
}

/* Checks that the cursor value in f->text has the same kind (time, number or
 * other text) as the cursor values of all records before it. Returns 1; or 0
 * with the reason in *r if the record must be rejected. Fails if the run must
 * end, because strings and other values are mixed. The first cursor value sets
 * this kind. */
static int
match_kind(struct cursor_field *f, enum value_kind found, bool string,
    struct reject *r, struct err *e)
{
	int rc = 1;

	if (f->kind == VALUE_NONE)
		rc = set_first_kind(f, found, string, e);
	if (rc == -1)
		return -1;
	if (f->kind == VALUE_TEXT && (!string || found == VALUE_TIME))
		return fail_mixed_kinds(f, found, e);
	if (rc == 1 && (f->kind == VALUE_TEXT || (f->kind == found &&
	    string == (found == VALUE_TIME))))
		return 1;
	f->wrong_kind += f->expected != VALUE_NONE &&
	    (f->expected == VALUE_TIME ? !string : found == VALUE_TIME);
	return reject_cursor(f, r, "type", f->kind == VALUE_TIME ||
	    f->expected == VALUE_TIME ? "not a time with an offset "
	    "(RFC 3339), but the cursor is a time" :
	    "not a number, but the cursor is a number", "");
}

int
cursor_field_read(struct cursor_field *f, const struct json *j,
    struct reject *r, struct err *e)
{
	enum value_kind found;
	bool string;
	uint32_t i;
	int rc;

	if (!pointer_find(j, f->pointer, &i)) {
		f->missing++;
		return reject_cursor(f, r, "required",
		    "missing, but each record "
		    "must have a cursor",
		    "");
	}
	if ((rc = copy_cursor_text(f, j, i, r, e)) != 1)
		return rc;
	string = j->tok[i].type == JSON_STRING;
	found = value_kind(f->text.data, f->text.len);
	if (!string && found != VALUE_NUMBER)
		return reject_cursor(f, r, "range", "has an exponent of more "
		    "than 17 digits, which is too large to compare",
		    "");
	return match_kind(f, found, string, r, e);
}
