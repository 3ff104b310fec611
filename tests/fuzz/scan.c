/* Fuzz target that compares the JSON scanner with jansson: both accept the same
 * texts and read the same values.  Known differences: jansson refuses lone
 * surrogates, \u0000 in names and numbers outside the range of a double; it
 * nests deeper; and it ignores a raw NUL after a number or a word. */
#include "fuzz.h"
#include "oracle.h"

#include "json/name.h"
#include "json/number.h"
#include "json/scan.h"
#include "json/write.h"

#include <math.h>
#include <string.h>

static bool
is_name(const struct json *j, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (j->tok[k].type == JSON_OBJECT && j->tok[k].next > i)
			for (uint32_t m = k + 1; m <= i;
			    m = j->tok[m + 1].next)
				if (m == i)
					return true;
	return false;
}

/* Returns whether jansson accepts a text that the scanner accepts. */
static bool
for_oracle(const struct json *j)
{
	if (j->flags & JSON_LONE)
		return false;
	for (uint32_t i = 0; i < j->n; i++) {
		const struct json_tok *t = &j->tok[i];

		if ((t->flags & JSON_NUL) && is_name(j, i))
			return false;
		if (t->type == JSON_NUMBER &&
		    isinf(number_to_double(j->text + t->at, t->len)))
			return false;
	}
	return true;
}

static void
same_string(const struct json *j, uint32_t i, const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	json_unescape(&b, j, i);
	MUST(b.len == n && (n == 0 || memcmp(b.data, p, n) == 0));
	buf_release(&b);
}

/* Compares token i with the value that jansson read at this place. */
static void
same_value(const struct json *j, uint32_t i, const struct oracle_item *v)
{
	const struct json_tok *t = &j->tok[i];

	MUST("nftdsao"[t->type] == v->type);
	MUST(t->next == v->next);
	if (t->type == JSON_NUMBER)
		MUST(number_to_double(j->text + t->at, t->len) == v->d);
	if (t->type == JSON_STRING)
		same_string(j, i, v->p, v->n);
	if (t->type == JSON_ARRAY || t->type == JSON_OBJECT)
		MUST(t->members == v->n);
	if (t->type != JSON_OBJECT)
		return;
	for (uint32_t k = i + 1; k < t->next; k = j->tok[k + 1].next)
		MUST(json_member_value(j, i, v[k - i].p, v[k - i].n) == k + 1);
}

static void
compare(const struct json *j, const struct json_fault *f, const char *text,
    size_t n)
{
	struct oracle o;
	bool valid = oracle_read(&o, text, n);

	MUST(f != NULL || memchr(text, '\0', n) == NULL);
	if (f == NULL && for_oracle(j)) {
		MUST(valid);
		MUST(o.n == j->n);
		for (uint32_t i = 0; i < j->n; i++)
			same_value(j, i, &o.item[i]);
	} else if (f == NULL || strcmp(f->code, "depth") != 0) {
		MUST(!valid || memchr(text, '\0', n) != NULL);
	}
	oracle_release(&o);
}

/* The compact text has the same tokens, and is equal when compacted again. */
static void
compact(const struct json *j)
{
	struct json again = { 0 };
	struct json_fault f;
	struct buf b, c;

	buf_init(&b, SIZE_MAX / 2);
	buf_init(&c, SIZE_MAX / 2);
	json_put_compact(&b, j, 0);
	MUST(json_scan(&again, b.data, b.len, JSON_LEVELS_ALL, JSON_UNIQUE,
	    &f) == 0);
	MUST(again.n == j->n);
	MUST(again.flags == (j->flags & ~JSON_SPACE));
	for (uint32_t i = 0; i < j->n; i++) {
		MUST(again.tok[i].type == j->tok[i].type);
		MUST(again.tok[i].next == j->tok[i].next);
		if (j->tok[i].type < JSON_ARRAY)
			MUST(again.tok[i].len == j->tok[i].len && memcmp(
			    again.text + again.tok[i].at, j->text +
			    j->tok[i].at, j->tok[i].len) == 0);
	}
	again.flags |= JSON_SPACE;
	json_put_compact(&c, &again, 0);
	MUST(c.len == b.len && memcmp(c.data, b.data, b.len) == 0);
	buf_release(&b);
	buf_release(&c);
	json_release(&again);
}

/* A string that is decoded, written and scanned again has the same bytes. */
static void
rewrite(const struct json *j, uint32_t i)
{
	struct json again = { 0 };
	struct json_fault f;
	struct buf b, c;

	buf_init(&b, SIZE_MAX / 2);
	buf_init(&c, SIZE_MAX / 2);
	json_unescape(&b, j, i);
	json_put_string(&c, b.data, b.len);
	MUST(json_scan(&again, c.data, c.len, 0, JSON_UNIQUE, &f) == 0);
	same_string(&again, 0, b.data, b.len);
	buf_release(&b);
	buf_release(&c);
	json_release(&again);
}

/* The result does not depend on how many levels have tokens. */
static void
levels(const struct json *j, const struct json_fault *f, const char *text,
    size_t n)
{
	bool twice = f != NULL && strcmp(f->code, "duplicate_member") == 0;
	struct json some = { 0 };
	struct json_fault g;
	int rc;

	for (unsigned int level = 0; level < 4; level++) {
		rc = json_scan(&some, text, n, level, JSON_LAST, &g);
		if (f == NULL)
			MUST(rc == 0 && some.flags == j->flags &&
			    some.tok[0].len == j->tok[0].len &&
			    some.tok[0].members == j->tok[0].members);
		else if (!twice)
			MUST(rc == -1 && strcmp(g.code, f->code) == 0 &&
			    g.at == f->at);
		rc = json_scan(&some, text, n, level, JSON_UNIQUE, &g);
		MUST((rc == -1) == (f != NULL));
		MUST(f == NULL || (strcmp(g.code, f->code) == 0 &&
		    g.at == f->at));
	}
	json_release(&some);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json j = { 0 };
	struct json_fault fault, *f = NULL;
	char *text = calloc(1, n ? n : 1);      /* exact size, no NUL */

	MUST(text != NULL);
	if (n > 0)
		memcpy(text, data, n);
	if (json_scan(&j, text, n, JSON_LEVELS_ALL, JSON_UNIQUE,
	    &fault) == -1) {
		f = &fault;
		MUST(f->at <= n && !f->nomem);
	}
	compare(&j, f, text, n);
	levels(&j, f, text, n);
	if (f == NULL) {
		compact(&j);
		for (uint32_t i = 0; i < j.n; i++)
			if (j.tok[i].type == JSON_STRING)
				rewrite(&j, i);
	}
	json_release(&j);
	free(text);
	return 0;
}
