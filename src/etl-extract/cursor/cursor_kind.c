#include "cursor/cursor_kind.h"

#include "json/pointer.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 1024 };

static enum value_kind
kind_of(const char *text)
{
	return text == NULL ? VALUE_NONE : value_kind(text, strlen(text));
}

/* What is given need not be a value of the cursor: a date alone, say. */
void
kind_init(struct kind *k, const char *field, const char *from,
    const char *given)
{
	k->field = field;
	k->from = from;
	k->hint = kind_of(from != NULL ? from : given);
	if (from == NULL && k->hint == VALUE_TEXT)
		k->hint = VALUE_NONE;
	if (k->hint == VALUE_TIME)
		k->kind = VALUE_TIME;
	buf_init(&k->text, VALUE_MAX);
}

void
kind_release(struct kind *k)
{
	buf_release(&k->text);
}

static int
reject(struct kind *k, struct reject *r, const char *code, const char *what,
    const char *more)
{
	r->code = code;
	r->pointer = k->field;
	r->message = k->why;
	(void)snprintf(k->why, sizeof(k->why), "%.120s: %s%s", k->field, what,
	    more);
	return 0;
}

/* Its characters into k->text, or why there are none that can be stored. */
static int
value_text(struct kind *k, const struct json *j, uint32_t i,
    struct reject *r, struct err *e)
{
	const struct json_tok *t = &j->tok[i];

	buf_clear(&k->text);
	if (t->type == JSON_NULL)
		return reject(k, r, "required", "null, and the cursor needs a "
		    "value", "");
	if (t->type != JSON_NUMBER && t->type != JSON_STRING)
		return reject(k, r, "type", json_type_name(t->type),
		    ", and the cursor needs a number or a text");
	if ((t->flags & (JSON_NUL | JSON_LONE)) != 0 &&
	    t->type == JSON_STRING)
		return reject(k, r, "encoding", "a text that cannot be "
		    "stored", "");
	if (t->len > 6 * VALUE_MAX)
		return reject(k, r, "range", "too long for a cursor", "");
	if (t->type == JSON_NUMBER)
		buf_add(&k->text, j->text + t->at, t->len);
	else
		json_unescape(&k->text, j, i);
	if (k->text.full) {
		k->text.failed = k->text.full = false;
		return reject(k, r, "range", "too long for a cursor", "");
	}
	if (buf_check(&k->text, e) == -1)
		return -1;
	return k->text.len > 0 ? 1 :
	    reject(k, r, "required", "empty, and the cursor needs a value",
	    "");
}

/* The first value that can decides; of texts those that a stored number can
 * stand for. */
static int
kind_decide(struct kind *k, enum value_kind new, bool string,
    struct err *e)
{
	char from[VALUE_SHOWN];

	if (k->hint == VALUE_NUMBER && string && new != VALUE_NUMBER)
		return 0;
	k->kind = string && new == VALUE_NUMBER ? VALUE_TEXT : new;
	if (k->from != NULL && k->kind != VALUE_TEXT && k->hint != k->kind)
		return err_set(e, ERR_CONFIG, false, "the checkpoint is %s, "
		    "'%.200s', and %.64s is %s: not the same cursor; take "
		    "another name, or change it with etl-checkpoint set",
		    value_kind_name(k->hint), value_show(from, k->from,
		    strlen(k->from)), k->field,
		    value_kind_name(k->kind));
	return 1;
}

static int
kinds_mixed(const struct kind *k, enum value_kind new, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "%.64s is a text in one record "
	    "and %s in another: which are right, the value of --start or of "
	    "the checkpoint tells", k->field, value_kind_name(new));
}

static int
kind_fits(struct kind *k, enum value_kind new, bool string, struct reject *r,
    struct err *e)
{
	int rc = 1;

	if (k->kind == VALUE_NONE)
		rc = kind_decide(k, new, string, e);
	if (rc == -1)
		return -1;
	if (k->kind == VALUE_TEXT && (!string || new == VALUE_TIME))
		return kinds_mixed(k, new, e);
	if (rc == 1 && (k->kind == VALUE_TEXT || (k->kind == new &&
	    string == (new == VALUE_TIME))))
		return 1;
	k->foreign += k->hint != VALUE_NONE &&
	    (k->hint == VALUE_TIME ? !string : new == VALUE_TIME);
	return reject(k, r, "type", k->kind == VALUE_TIME ||
	    k->hint == VALUE_TIME ? "no time with an offset (RFC 3339), "
	    "as the cursor is" : "no number, as the cursor is", "");
}

int
kind_look(struct kind *k, const struct json *j, struct reject *r,
    struct err *e)
{
	enum value_kind new;
	bool string;
	uint32_t i;
	int rc;

	if (!pointer_find(j, k->field, &i)) {
		k->missing++;
		return reject(k, r, "required", "not there, and the cursor "
		    "needs it", "");
	}
	if ((rc = value_text(k, j, i, r, e)) != 1)
		return rc;
	string = j->tok[i].type == JSON_STRING;
	new = value_kind(k->text.data, k->text.len);
	if (!string && new != VALUE_NUMBER)
		return reject(k, r, "range", "an exponent too large to "
		    "compare", "");
	return kind_fits(k, new, string, r, e);
}
