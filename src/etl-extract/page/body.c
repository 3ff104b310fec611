#include "page/body.h"

#include "base/text.h"
#include "json/pointer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_SHOWN = 80, SHOWN_MAX = 1024, OUTLINE_DEPTH = 200 };

static size_t
blank_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\n' ||
	    p[i] == '\r'))
		i++;
	return i;
}

int
body_fail(const struct body *b, const char *why, bool transient, struct err *e)
{
	struct buf s;

	buf_init(&s, SHOWN_MAX);
	fetch_show_body(b->fetch, &s, b->answer, START_SHOWN);
	(void)err_set(e, ERR_PEER, transient, "%s: %s", why, buf_text(&s));
	buf_release(&s);
	return -1;
}

/* Returns down to which level of nesting json_scan() must make tokens, so that
 * each record has a token, and so have its members if the caller needs them.
 * For example, the records in {"data":[{...},{...}]} are at level 2. */
static unsigned
levels_needed(const struct body *b, char first)
{
	return b->levels_in_records +
	    (b->records != NULL ? pointer_count(b->records) + 1 :
	    first == '[' ? 1 : 2);
}

/* Returns a space for a character below OUTLINE_DEPTH, else the character. */
static char
blank_deep(char c, size_t depth)
{
	if (depth > OUTLINE_DEPTH)
		c = ' ';
	return c;
}

/* Copies JSON text to `out`, but writes "x" for each character inside a string,
 * and a space for each character that is nested deeper than OUTLINE_DEPTH. So
 * invalid UTF-8, a wrong escape or too deep nesting inside one record does not
 * make the copy invalid. For example, {"a":"b\q"} becomes {"x":"xxx"}. The
 * copy has the same length, so byte offsets are the same in both texts. */
static void
copy_structure(char *out, const char *text, size_t n)
{
	bool string = false;
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (string && c == '\\' && i + 1 < n) {
			out[i++] = blank_deep('x', depth);
			c = 'x';
		} else if (c == '"') {
			string = !string;
		} else if (string) {
			c = 'x';
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
		out[i] = blank_deep(c, depth);
		if (!string && (c == '[' || c == '{'))
			depth++;
	}
}

/* Sets the tokens of b->j by scanning a copy of the text in which
 * copy_structure() has overwritten the contents of strings. Returns -1 if this
 * copy is not valid JSON either: b->j must not be used then. */
static int
scan_structure(struct body *b, const char *text, size_t n, unsigned levels,
    struct json_fault *f)
{
	char *copy = malloc(n);
	int rc;

	if (copy == NULL) {
		f->nomem = true;
		return -1;
	}
	copy_structure(copy, text, n);
	rc = json_scan(&b->j, copy, n, levels, JSON_LAST, f);
	b->j.text = text;
	free(copy);
	return rc;
}

/* Called if json_scan() has found the fault *f in the answer: sets the error.
 * Scans the answer again with the contents of all strings overwritten. If the
 * answer was cut short, this second scan fails at the end of the text, even if
 * the cut is inside a UTF-8 character or an escape. */
static int
fail_not_json(struct body *b, const struct json_fault *f, struct err *e)
{
	const char *text = b->answer->body.data;
	size_t n = b->answer->body.len;
	char first = text[blank_length(text, n)], why[128];
	struct json_fault o = *f;

	if (!f->nomem && f->at < n && (first == '[' || first == '{') &&
	    scan_structure(b, text, n, levels_needed(b, first), &o) == 0)
		o = *f;
	if (o.nomem)
		return err_nomem(e);
	if (o.at >= n && (first == '[' || first == '{'))
		return body_fail(b, "the JSON ends too early", true, e);
	(void)snprintf(why, sizeof(why), "the answer is not JSON (%s, at byte "
	    "%zu)", f->why, f->at + 1);
	return body_fail(b, why, false, e);
}

int
body_parse(struct body *b, const struct http_answer *a, struct err *e)
{
	const char *text = a->body.data;
	size_t n = a->body.len, at = blank_length(text, n);
	struct json_fault f = { 0 };

	b->answer = a;
	b->array = 0;
	b->no_records = http_answer_is_empty(a);
	if (b->no_records)
		return 0;
	if (at == n)
		return err_set(e, ERR_PEER, false, "the answer is empty");
	if (json_scan(&b->j, text, n, levels_needed(b, text[at]), JSON_LAST,
	    &f) == 0)
		return 0;
	return fail_not_json(b, &f, e);
}

int
body_fail_no_array(const struct body *b, struct err *e)
{
	char why[256];

	if (b->records == NULL)
		(void)snprintf(why, sizeof(why), "found no array of records in "
		    "the answer (give its place with --records POINTER)");
	else
		(void)snprintf(why, sizeof(why), "the answer has no array of "
		    "records at --records '%s'", b->records);
	return body_fail(b, why, false, e);
}

static int
fail_two_arrays(const struct body *b, uint32_t one, uint32_t other,
    struct err *e)
{
	const struct json_tok *t = b->j.tok;
	struct buf s;

	buf_init(&s, SHOWN_MAX);
	text_show(&s, b->j.text + t[one].at, t[one].len);
	buf_str(&s, " and ");
	text_show(&s, b->j.text + t[other].at, t[other].len);
	(void)err_set(e, ERR_CONFIG, false, "the answer has two arrays, %s: "
	    "choose the array of records with --records", buf_text(&s));
	buf_release(&s);
	return -1;
}

/* Sets b->array to the only member of the top-level object that is an array.
 * Fails if no member or more than one is an array. */
static int
choose_only_array(struct body *b, struct err *e)
{
	const struct json_tok *t = b->j.tok;
	uint32_t name = 0;

	for (uint32_t i = 1; i < t[0].next; i = t[i + 1].next) {
		if (t[i + 1].type != JSON_ARRAY)
			continue;
		if (name != 0)
			return fail_two_arrays(b, name, i, e);
		name = i;
	}
	if (name == 0)
		return body_fail_no_array(b, e);
	b->array = name + 1;
	return 0;
}

int
body_find_records(struct body *b, struct err *e)
{
	const struct json_tok *t = b->j.tok;

	if (b->no_records)
		return 0;
	if (b->records == NULL && t[0].type == JSON_OBJECT)
		return choose_only_array(b, e);
	if (b->records != NULL &&
	    !pointer_find(&b->j, b->records, &b->array))
		return body_fail_no_array(b, e);
	if (b->records != NULL && t[b->array].type == JSON_NULL)
		b->no_records = true;
	else if (t[b->array].type != JSON_ARRAY)
		return body_fail_no_array(b, e);
	return 0;
}

uint64_t
body_count_records(const struct body *b)
{
	const struct json_tok *t = b->j.tok;
	uint64_t n = 0;

	if (b->no_records)
		return 0;
	if (t[b->array].members < UINT16_MAX)
		return t[b->array].members;
	for (uint32_t i = b->array + 1; i < t[b->array].next; i = t[i].next)
		n++;
	return n;
}
