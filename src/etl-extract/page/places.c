#include "page/places.h"

#include "base/buf.h"
#include "http/answer.h"
#include "http/url.h"
#include "json/pointer.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 256 };

struct form {
	const char *prefix;
	enum locator_kind kind;
	enum { ALONE, NAME, POINTER } rest;     /* what follows the prefix */
	const char *shown;
};

static const struct form to_forms[] = {
	{ "query:", LOCATOR_QUERY, NAME, "query:NAME" },
	{ "header:", LOCATOR_HEADER, NAME, "header:NAME" },
	{ "body:", LOCATOR_BODY, POINTER, "body:/POINTER" },
	{ "url", LOCATOR_URL, ALONE, "url" },
};

static const struct form from_forms[] = {
	{ "header:", LOCATOR_HEADER, NAME, "header:NAME" },
	{ "last:", LOCATOR_LAST, POINTER, "last:/POINTER" },
	{ "link", LOCATOR_LINK, ALONE, "link" },
	{ "", LOCATOR_BODY, POINTER, "/POINTER" },
};

enum { FORMS = sizeof(to_forms) / sizeof(to_forms[0]) };

static bool
has_form(const char *text, const struct form *form)
{
	size_t n = strlen(form->prefix);
	const char *rest = text + n;

	if (strncmp(text, form->prefix, n) != 0)
		return false;
	if (form->rest == ALONE)
		return *rest == '\0';
	if (*rest == '\0')
		return false;
	if (form->rest == POINTER)
		return pointer_is_valid(rest);
	return form->kind != LOCATOR_HEADER ||
	    rest[http_token_length(rest)] == '\0';
}

static int
fail_with_forms(const struct form forms[FORMS], const char *option,
    const char *text, unsigned kinds, struct err *e)
{
	size_t left = 0;
	struct buf b;

	for (size_t i = 0; i < FORMS; i++)
		left += (kinds >> forms[i].kind) & 1;
	buf_init(&b, SHOWN_MAX);
	for (size_t i = 0; i < FORMS; i++) {
		if (((kinds >> forms[i].kind) & 1) == 0)
			continue;
		buf_str(&b, forms[i].shown);
		left--;
		buf_str(&b, left > 1 ? ", " : left == 1 ? " or " : "");
	}
	(void)err_set(e, ERR_USAGE, false, "%s %s: it must be %s", option,
	    text, buf_text(&b));
	buf_release(&b);
	return -1;
}

static int
parse_locator(struct locator *l, const struct form forms[FORMS],
    const char *option, const char *text, unsigned kinds, struct err *e)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (((kinds >> forms[i].kind) & 1) == 0 ||
		    !has_form(text, &forms[i]))
			continue;
		l->kind = forms[i].kind;
		l->name = forms[i].rest == ALONE ? NULL :
		    text + strlen(forms[i].prefix);
		return 0;
	}
	return fail_with_forms(forms, option, text, kinds, e);
}

int
locator_parse_to(struct locator *l, const char *option, const char *text,
    unsigned kinds, struct err *e)
{
	return parse_locator(l, to_forms, option, text, kinds, e);
}

int
locator_parse_from(struct locator *l, const char *option, const char *text,
    unsigned kinds, struct err *e)
{
	return parse_locator(l, from_forms, option, text, kinds, e);
}

enum { VALUE_MAX = 32 << 10, VALUE_SHOWN_MAX = 80 };

void
page_value_init(struct page_value *v)
{
	v->type = JSON_NULL;
	buf_init(&v->text, VALUE_MAX);
}

void
page_value_release(struct page_value *v)
{
	buf_release(&v->text);
}

void
page_value_show(
    struct buf *b, const struct page_value *v, const struct page *p)
{
	size_t n = v->text.len;

	fetch_show_text(p->fetch, b, v->text.data,
	    n > VALUE_SHOWN_MAX ? VALUE_SHOWN_MAX : n);
}

static int
check_length(struct page_value *v, struct err *e)
{
	bool full = v->text.full;

	if (buf_check(&v->text, e) == 0)
		return 1;
	return !full ? -1 : err_set(e, ERR_PEER, false, "the value is longer "
	    "than %d bytes", VALUE_MAX);
}

/* Sets *v to the value at the pointer in the JSON text text[0..n). */
static int
read_from_json(struct page_value *v, const char *text, size_t n,
    const char *pointer, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	uint32_t i;
	int rc = 0;

	if (json_scan(&j, text, n, pointer_count(pointer), JSON_LAST,
	    &f) == -1) {
		rc = f.nomem ? err_nomem(e) : err_set(e, ERR_PEER, false,
		    "it is not valid JSON (%s)", f.why);
	} else if (pointer_find(&j, pointer, &i) &&
	    j.tok[i].type != JSON_NULL) {
		v->type = j.tok[i].type;
		if (v->type == JSON_STRING)
			json_unescape(&v->text, &j, i);
		else if (v->type < JSON_ARRAY)
			buf_add(&v->text, text + j.tok[i].at, j.tok[i].len);
		rc = check_length(v, e);
	}
	json_release(&j);
	return rc;
}

/* Sets *v to the value at the pointer in the body. For an array or object sets
 * only v->type. */
static int
read_from_body(struct page_value *v, const struct page *p,
    const char *pointer, struct err *e)
{
	const struct json *j = &p->body->j;
	uint32_t i;

	if (http_answer_is_empty(p->answer) || !pointer_find(j, pointer, &i))
		return 0;
	if (j->tok[i].type >= JSON_ARRAY) {
		v->type = j->tok[i].type;
		return 1;
	}
	return read_from_json(
	    v, j->text + j->tok[i].at, j->tok[i].len, "", e);
}

static int
read_from_last(struct page_value *v, const struct page *p, const char *pointer,
    struct err *e)
{
	const struct json_tok *t = p->body->j.tok;
	uint32_t last = 0;
	int rc;

	if (p->records == 0)
		return 0;
	for (uint32_t i = p->body->array + 1; i < t[p->body->array].next;
	    i = t[i].next)
		last = i;
	rc = read_from_json(v, p->body->j.text + t[last].at, t[last].len,
	    pointer, e);
	if (rc == -1)
		err_prefix(e, "the last record of the page");
	return rc;
}

static int
read_from_header(
    struct page_value *v, const char *text, size_t n, struct err *e)
{
	v->type = JSON_STRING;
	buf_add(&v->text, text, n);
	return check_length(v, e);
}

int
page_value_read(struct page_value *v, const struct page *p,
    const struct locator *from, struct err *e)
{
	const char *text = NULL;
	size_t n = 0;

	buf_clear(&v->text);
	switch (from->kind) {
	case LOCATOR_BODY:
		return read_from_body(v, p, from->name, e);
	case LOCATOR_LAST:
		return read_from_last(v, p, from->name, e);
	case LOCATOR_HEADER:
		return !http_find_header(p->answer, from->name, &text, &n) ?
		    0 : read_from_header(v, text, n, e);
	default:
		return !link_find_next(p->answer, &text, &n) ?
		    0 : read_from_header(v, text, n, e);
	}
}

enum { NUMBER_MAX = 24 };

/* Appends the JSON text with a new member at the end of an object. `name` is
 * the last part of a JSON Pointer, in which ~0 and ~1 are decoded. */
static int
put_new_member(struct buf *out, const struct json *j, uint32_t object,
    const char *name, const struct buf *value, struct err *e)
{
	const struct json_tok *t = &j->tok[object];
	size_t close = (size_t)t->at + t->len - 1;
	struct buf decoded;
	int rc;

	buf_init(&decoded, strlen(name) + 1);
	for (; *name != '\0'; name++)
		if (*name == '~' && name[1] != '\0')
			buf_char(&decoded, *++name == '1' ? '/' : '~');
		else
			buf_char(&decoded, *name);
	rc = buf_check(&decoded, e);
	buf_add(out, j->text, close);
	if (t->members > 0)
		buf_char(out, ',');
	json_put_string(out, decoded.data, decoded.len);
	buf_char(out, ':');
	buf_add(out, value->data, value->len);
	buf_add(out, j->text + close, j->len - close);
	buf_release(&decoded);
	return rc == -1 ? -1 : buf_check(out, e);
}

/* Appends the JSON text with the value at the pointer: replaces the value
 * there, or adds a member. */
static int
put_at_pointer(struct buf *out, const struct json *j, const char *pointer,
    const struct buf *value, struct err *e)
{
	const char *last = strrchr(pointer, '/');
	char *parent;
	uint32_t i;
	bool found;

	if (pointer_find(j, pointer, &i)) {
		size_t end = (size_t)j->tok[i].at + j->tok[i].len;

		buf_add(out, j->text, j->tok[i].at);
		buf_add(out, value->data, value->len);
		buf_add(out, j->text + end, j->len - end);
		return buf_check(out, e);
	}
	parent = strndup(pointer, (size_t)(last - pointer));
	if (parent == NULL)
		return err_nomem(e);
	found = pointer_find(j, parent, &i) && j->tok[i].type == JSON_OBJECT;
	free(parent);
	if (!found)
		return err_set(e, ERR_CONFIG, false, "--into body:%s: the body "
		    "of --body has no object for this member: write the "
		    "objects around the member into --body", pointer);
	return put_new_member(out, j, i, last + 1, value, e);
}

/* Appends the JSON text with the value at the pointer. `value` is JSON. */
static int
put_with_member(struct buf *out, const struct buf *text, const char *pointer,
    const struct buf *value, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	int rc;

	if (json_scan(&j, text->data, text->len, pointer_count(pointer),
	    JSON_LAST, &f) == -1)
		rc = f.nomem ? err_nomem(e) : err_set(e, ERR_CONFIG, false,
		    "--body: it must be JSON to take the value of --into: %s "
		    "at byte %zu", f.why, f.at + 1);
	else
		rc = put_at_pointer(out, &j, pointer, value, e);
	json_release(&j);
	return rc;
}

static int
set_body_member(struct request *r, const char *pointer,
    const struct page_value *v, struct err *e)
{
	struct buf out, value;
	int rc;

	buf_init(&out, r->body.max);
	buf_init(&value, r->body.max);
	if (v->type == JSON_STRING)
		json_put_string(&value, v->text.data, v->text.len);
	else
		buf_add(&value, v->text.data, v->text.len);
	rc = buf_check(&value, e) == -1 ? -1 :
	    put_with_member(&out, &r->body, pointer, &value, e);
	buf_release(&value);
	if (rc == -1) {
		buf_release(&out);
		return -1;
	}
	buf_release(&r->body);
	r->body = out;
	return 0;
}

/* Sets the header of the request to the value. Fails if the value has a control
 * character. */
static int
set_header_value(struct request *r, const char *name,
    const struct page_value *v, struct err *e)
{
	for (size_t i = 0; i < v->text.len; i++)
		if ((unsigned char)v->text.data[i] < ' ' ||
		    v->text.data[i] == 0x7f)
			return err_set(e, ERR_PEER, false, "the value for "
			    "the header %s has a control character, which no "
			    "header can have", name);
	buf_clear(&r->header);
	buf_printf(&r->header, "%s: ", name);
	buf_add(&r->header, v->text.data, v->text.len);
	return buf_check(&r->header, e);
}

static int
set_query_value(struct request *r, const char *name, struct page_value *v,
    struct err *e)
{
	if (v->text.len > 0 && memchr(v->text.data, '\0', v->text.len) != NULL)
		return err_set(e, ERR_PEER, false, "the value for the query "
		    "parameter %s has a NUL character, which a URL cannot have",
		    name);
	(void)buf_text(&v->text);
	if (buf_check(&v->text, e) == -1)
		return -1;
	query_set(&r->url, name, strlen(name), v->text.data);
	return buf_check(&r->url, e);
}

int
request_put_value(struct request *r, const struct locator *to,
    struct page_value *v, struct err *e)
{
	switch (to->kind) {
	case LOCATOR_QUERY:
		return set_query_value(r, to->name, v, e);
	case LOCATOR_HEADER:
		return set_header_value(r, to->name, v, e);
	default:
		return set_body_member(r, to->name, v, e);
	}
}

int
request_put_number(struct request *r, const struct locator *to,
    uint64_t number, struct err *e)
{
	struct page_value v = { .type = JSON_NUMBER };
	int rc;

	buf_init(&v.text, NUMBER_MAX);
	buf_printf(&v.text, "%" PRIu64, number);
	rc = buf_check(&v.text, e) == -1 ? -1 :
	    request_put_value(r, to, &v, e);
	buf_release(&v.text);
	return rc;
}

int
request_check_body(const struct request *r,
    const struct extract_opts *o, struct err *e)
{
	const size_t prefix = strlen("body:");
	struct buf out, zero;
	int rc;

	if (o->into == NULL || strncmp(o->into, "body:", prefix) != 0)
		return 0;
	buf_init(&out, REQUEST_BODY_MAX);
	buf_init(&zero, 1);
	buf_char(&zero, '0');
	rc = buf_check(&zero, e) == -1 ? -1 : put_with_member(&out,
	    &r->given_body, o->into + prefix, &zero, e);
	buf_release(&out);
	buf_release(&zero);
	return rc;
}
