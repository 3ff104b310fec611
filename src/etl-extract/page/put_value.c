#include "page/put_value.h"

#include "http/url.h"
#include "json/pointer.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 24 };

static int
fail_no_object(const char *pointer, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "--into body:%s: the body of "
	    "--body has no object for this member: write the objects around "
	    "the member into --body", pointer);
}

/* Appends the last part of a JSON Pointer, with ~0 and ~1 decoded. */
static void
put_decoded_part(struct buf *b, const char *part)
{
	for (; *part != '\0'; part++)
		if (*part == '~' && part[1] != '\0')
			buf_char(b, *++part == '1' ? '/' : '~');
		else
			buf_char(b, *part);
}

/* Appends the JSON text with a new member at the end of an object. */
static int
put_new_member(struct buf *out, const struct json *j, uint32_t object,
    const char *name, const struct buf *value, struct err *e)
{
	const struct json_tok *t = &j->tok[object];
	size_t close = (size_t)t->at + t->len - 1;
	struct buf decoded;
	int rc;

	buf_init(&decoded, strlen(name) + 1);
	put_decoded_part(&decoded, name);
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

/* Appends the JSON text with another value in place of token i. */
static int
put_replaced_value(struct buf *out, const struct json *j, uint32_t i,
    const struct buf *value, struct err *e)
{
	size_t end = (size_t)j->tok[i].at + j->tok[i].len;

	buf_add(out, j->text, j->tok[i].at);
	buf_add(out, value->data, value->len);
	buf_add(out, j->text + end, j->len - end);
	return buf_check(out, e);
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

	if (pointer_find(j, pointer, &i))
		return put_replaced_value(out, j, i, value, e);
	parent = strndup(pointer, (size_t)(last - pointer));
	if (parent == NULL)
		return err_nomem(e);
	found = pointer_find(j, parent, &i) && j->tok[i].type == JSON_OBJECT;
	free(parent);
	return !found ? fail_no_object(pointer, e) :
	    put_new_member(out, j, i, last + 1, value, e);
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
