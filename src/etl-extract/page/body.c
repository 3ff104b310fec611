#include "page/body.h"

#include "base/text.h"
#include "json/pointer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_SHOWN = 80, SHOWN_MAX = 1024, OUTLINE_DEPTH = 200 };

static size_t
blank(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\n' ||
	    p[i] == '\r'))
		i++;
	return i;
}

static int
start_wrong(const struct body *b, const char *why, bool transient,
    struct err *e)
{
	struct buf s;

	buf_init(&s, SHOWN_MAX);
	fetch_show(b->fetch, &s, b->answer, START_SHOWN);
	(void)err_set(e, ERR_PEER, transient, "%s: %s", why, buf_text(&s));
	buf_release(&s);
	return -1;
}

/* Arrays of records need their elements, members of an object one more. */
static unsigned
body_levels(const struct body *b, char first)
{
	unsigned n = b->records != NULL ? pointer_parts(b->records) + 1 :
	    first == '[' ? 1 : 2;

	return n > b->levels ? n : b->levels;
}

static char
shallow(char c, size_t depth)
{
	if (depth > OUTLINE_DEPTH)
		c = ' ';
	return c;
}

/* The same text, as long, but harmless inside its records: strings are plain
 * letters, what lies deep is blank. */
static void
outline(char *out, const char *text, size_t n)
{
	bool string = false;
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (string && c == '\\' && i + 1 < n) {
			out[i++] = shallow('x', depth);
			c = 'x';
		} else if (c == '"') {
			string = !string;
		} else if (string) {
			c = 'x';
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
		out[i] = shallow(c, depth);
		if (!string && (c == '[' || c == '{'))
			depth++;
	}
}

/* -1 where the text is no JSON even so, and j is not to be used. */
static int
scan_outline(struct body *b, const char *text, size_t n, unsigned levels,
    struct json_fault *f)
{
	char *copy = malloc(n);
	int rc;

	if (copy == NULL) {
		f->nomem = true;
		return -1;
	}
	outline(copy, text, n);
	rc = json_scan(&b->j, copy, n, levels, JSON_LAST, f);
	b->j.text = text;
	free(copy);
	return rc;
}

/* A text that is cut inside a character or an escape is told by its outline,
 * which has neither. */
static int
scan_failed(struct body *b, const struct json_fault *f, struct err *e)
{
	const char *text = b->answer->body.data;
	size_t n = b->answer->body.len;
	char first = text[blank(text, n)], why[128];
	struct json_fault o = *f;

	if (!f->nomem && f->at < n && (first == '[' || first == '{') &&
	    scan_outline(b, text, n, body_levels(b, first), &o) == 0) {
		if (b->lenient)
			return 0;
		o = *f;
	}
	if (o.nomem)
		return err_nomem(e);
	if (o.at >= n && (first == '[' || first == '{'))
		return start_wrong(b, "the JSON ends too early", true, e);
	(void)snprintf(why, sizeof(why), "not JSON (%s at byte %zu)", f->why,
	    f->at + 1);
	return start_wrong(b, why, false, e);
}

int
body_look(struct body *b, const struct http_answer *a, struct err *e)
{
	const char *text = a->body.data;
	size_t n = a->body.len, at = blank(text, n);
	struct json_fault f = { 0 };

	b->answer = a;
	b->array = 0;
	b->none = a->status == 204;
	if (b->none)
		return 0;
	if (at == n)
		return err_set(e, ERR_PEER, false, "the answer is empty");
	if (json_scan(&b->j, text, n, body_levels(b, text[at]), JSON_LAST,
	    &f) == 0)
		return 0;
	return scan_failed(b, &f, e);
}

static int
no_array(const struct body *b, struct err *e)
{
	char why[256];

	if (b->records == NULL)
		(void)snprintf(why, sizeof(why), "no array of records (say "
		    "with --records POINTER where it is)");
	else
		(void)snprintf(why, sizeof(why), "no array of records at "
		    "--records '%s'", b->records);
	return start_wrong(b, why, false, e);
}

static int
two_arrays(const struct body *b, uint32_t one, uint32_t other, struct err *e)
{
	const struct json_tok *t = b->j.tok;
	struct buf s;

	buf_init(&s, SHOWN_MAX);
	text_show(&s, b->j.text + t[one].at, t[one].len);
	buf_str(&s, " and ");
	text_show(&s, b->j.text + t[other].at, t[other].len);
	(void)err_set(e, ERR_CONFIG, false, "two arrays, %s: say which with "
	    "--records", buf_text(&s));
	buf_release(&s);
	return -1;
}

/* The one member of the top-level object that is an array. */
static int
array_member(struct body *b, struct err *e)
{
	const struct json_tok *t = b->j.tok;
	uint32_t name = 0;

	for (uint32_t i = 1; i < t[0].next; i = t[i + 1].next) {
		if (t[i + 1].type != JSON_ARRAY)
			continue;
		if (name != 0)
			return two_arrays(b, name, i, e);
		name = i;
	}
	if (name == 0)
		return no_array(b, e);
	b->array = name + 1;
	return 0;
}

int
body_records(struct body *b, struct err *e)
{
	const struct json_tok *t = b->j.tok;

	if (b->none)
		return 0;
	if (b->records == NULL && t[0].type == JSON_OBJECT)
		return array_member(b, e);
	if (b->records != NULL &&
	    !pointer_find(&b->j, b->records, &b->array))
		return no_array(b, e);
	if (b->records != NULL && t[b->array].type == JSON_NULL)
		b->none = true;
	else if (t[b->array].type != JSON_ARRAY)
		return no_array(b, e);
	return 0;
}

uint64_t
body_count(const struct body *b)
{
	const struct json_tok *t = b->j.tok;
	uint64_t n = 0;

	if (b->none)
		return 0;
	if (t[b->array].members < UINT16_MAX)
		return t[b->array].members;
	for (uint32_t i = b->array + 1; i < t[b->array].next; i = t[i].next)
		n++;
	return n;
}
