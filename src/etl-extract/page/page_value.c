#include "page/page_value.h"

#include "http/link_header.h"
#include "json/pointer.h"
#include "json/write.h"

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
