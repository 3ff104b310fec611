#include "probe/probe.h"

#include "base/buf.h"
#include "base/text.h"
#include "common/options.h"
#include "cursor/cursor_value.h"
#include "http/fetch.h"
#include "http/answer.h"
#include "http/request.h"
#include "json/number.h"
#include "json/pointer.h"
#include "json/scan.h"
#include "json/write.h"
#include "stream/line_writer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What --probe has found in an answer. Each part is an option with its value,
 * how certain it is, and why.
 * Owns:  the texts; findings_release() frees them. */

enum sureness { NOT_FOUND, GUESS, LIKELY, SURE };

/* PART_FIELD is only printed as a comment, not as an option: it is for
 * incremental runs. */
enum part {
	PART_RECORDS, PART_PAGING, PART_NEXT, PART_INTO, PART_MORE, PART_SIZE,
	PART_TOTAL, PART_FIELD, PARTS
};

struct finding {
	enum sureness sure;
	struct buf value;       /* of the option; empty: the option is not
				 * needed */
	struct buf why;
};

struct findings {
	struct finding part[PARTS];
};

enum { FINDING_MAX = 4096 };

static const struct {
	const char *name, *option;      /* option is NULL if the part has
					 * none */
} parts[PARTS] = {
	[PART_RECORDS] = { "records", "--records" },
	[PART_PAGING] = { "paging", "--paginate" },
	[PART_NEXT] = { "next page", "--next" },
	[PART_INTO] = { "its place", "--into" },
	[PART_MORE] = { "more pages", "--more" },
	[PART_SIZE] = { "page size", "--size" },
	[PART_TOTAL] = { "total", "--total" },
	[PART_FIELD] = { "cursor field", NULL },
};

static const char *const sureness[] = {
	[NOT_FOUND] = "not found", [GUESS] = "a guess", [LIKELY] = "likely",
	[SURE] = "sure",
};

/* Sets a part. If the part is already set with the same or a higher certainty,
 * does nothing. */
static void
findings_set(struct findings *f, enum part part, enum sureness sure,
    const char *value, const char *why)
{
	struct finding *to = &f->part[part];

	if (to->sure >= sure)
		return;
	to->sure = sure;
	buf_clear(&to->value);
	buf_clear(&to->why);
	buf_str(&to->value, value);
	buf_str(&to->why, why);
	(void)buf_text(&to->value);
}

enum { MEMBERS_DEPTH = 4, MEMBER_KEY = 64, MEMBER_POINTER = 512 };

struct member {
	const char *pointer;            /* JSON Pointer of the value */
	const char *name;               /* without quotes and escapes */
	size_t n;
	char key[MEMBER_KEY];           /* the name in lower case, without
					 * "_", "-", "." and "@" */
	uint32_t value;                 /* token */
	unsigned depth;                 /* from 1 */
};

typedef void member_each(
    void *self, const struct json *j, const struct member *m);

/* Makes the key of a name: see the field `key` of struct member. */
static void
member_make_key(char out[MEMBER_KEY], const char *name, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 1 < MEMBER_KEY; i++)
		if (strchr("_-.@", name[i]) == NULL)
			out[at++] = (char)tolower((unsigned char)name[i]);
	out[at] = '\0';
}

/* A command with such a name could not be printed and pasted. */
static bool
has_control_char(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)p[i]))
			return true;
	return false;
}

/* `name` is a buffer for the name of a member. */
static int
visit_members(const struct json *j, uint32_t object, struct buf *pointer,
    struct buf *name, unsigned depth, member_each *each, void *self)
{
	const struct json_tok *t = j->tok;
	size_t before = pointer->len;

	for (uint32_t i = object + 1; i < t[object].next; i = t[i + 1].next) {
		struct member m = { .value = i + 1, .depth = depth };

		buf_clear(name);
		json_unescape(name, j, i);
		m.name = buf_text(name);
		m.n = name->len;
		if (name->failed)
			return -1;
		if (has_control_char(m.name, m.n))
			continue;
		pointer_put_part(pointer, m.name, m.n);
		member_make_key(m.key, m.name, m.n);
		(void)buf_text(pointer);
		m.pointer = pointer->data;
		if (pointer->failed && !pointer->full)
			return -1;
		if (!pointer->failed)
			each(self, j, &m);
		if (!pointer->failed && t[i + 1].type == JSON_OBJECT &&
		    depth < MEMBERS_DEPTH &&
		    visit_members(j, i + 1, pointer, name, depth + 1, each,
		    self) == -1)
			return -1;
		pointer->len = before;
		pointer->failed = pointer->full = false;
	}
	return 0;
}

/* Calls each() for the members. Leaves out members with a very long pointer,
 * and members whose name has a control character.
 * Fails only if memory is out. */
static int
members_visit(const struct json *j, uint32_t object, member_each *each,
    void *self, struct err *e)
{
	struct buf pointer, name;
	int rc = 0;

	buf_init(&pointer, MEMBER_POINTER);
	buf_init(&name, SIZE_MAX / 2);
	if (j->tok[object].type == JSON_OBJECT)
		rc = visit_members(j, object, &pointer, &name, 1, each, self);
	buf_release(&name);
	buf_release(&pointer);
	return rc == -1 ? err_nomem(e) : 0;
}

/* Examines one answer for --probe: finds the records, how the answer is paged,
 * and a member that may be the cursor.
 * Borrows: the answer, its parsed body and the URL.
 * Fails: ERR_PEER if the answer has no array of records. */

struct look {
	struct findings *findings;
	const struct http_answer *answer;
	const struct json *j;
	const char *url;        /* as the user gave it */
	uint32_t array;         /* token of the array of records */
	uint64_t records;
	int64_t total;          /* -1: the answer does not tell it */
	bool nomem;
};

enum { WHY_MAX = 1024, NAME_MAX_BYTES = 128, TEXT_MAX = 8192 };

static bool
is_one_of(const char *key, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		if (strcmp(key, *keys) == 0)
			return true;
	return false;
}

/* Sets a part. The reason is `what` and `is` joined, for example "/total" and
 * "is 200". */
static void
set_part(struct look *l, enum part part, enum sureness sure, const char *value,
    const char *what, const char *is)
{
	char why[WHY_MAX];

	(void)snprintf(why, sizeof(why), "%s %s", what, is);
	findings_set(l->findings, part, sure, value, why);
}

/* Sets the part of --total. Does nothing if the value cannot be the total. */
static void
set_total_part(struct look *l, const char *where, const char *p, size_t n)
{
	int64_t total;
	char is[64];

	if (!number_to_int64(p, n, &total) || total < 0 ||
	    (uint64_t)total < l->records || l->total != -1)
		return;
	l->total = total;
	(void)snprintf(is, sizeof(is), "is %" PRId64, total);
	set_part(l, PART_TOTAL, (uint64_t)total > l->records ? LIKELY : GUESS,
	    where, where, is);
}

static void
look_for_total(struct look *l)
{
	static const char *const names[] = { "X-Total-Count", "X-Total",
		"Total-Count", "X-Total-Results", NULL };
	char where[NAME_MAX_BYTES];
	const char *v;
	size_t n;

	for (size_t i = 0; names[i] != NULL; i++) {
		if (!http_find_header(l->answer, names[i], &v, &n) || n == 0)
			continue;
		(void)snprintf(where, sizeof(where), "header:%s", names[i]);
		set_total_part(l, where, v, n);
	}
}

/* True if the member has the URL of the next page: for example next in
 * {"next":"/p2"}, or href in {"next":{"href":"/p2"}}. */
static bool
is_url_of_next(const struct member *m, const char *text)
{
	static const char *const keys[] = { "next", "nextpage", "nextlink",
		"nexturl", "nexthref", "odatanextlink", "nextpageurl", NULL };
	bool is_url = strncmp(text, "http://", 7) == 0 ||
	    strncmp(text, "https://", 8) == 0 || *text == '/' || *text == '?';

	return is_url && (is_one_of(m->key, keys) ||
	    (strcmp(m->key, "href") == 0 &&
		strstr(m->pointer, "/next/") != NULL));
}

static bool
is_cursor_of_next(const struct member *m)
{
	static const char *const keys[] = { "nextcursor", "nextpagetoken",
		"nexttoken", "endcursor", "continuationtoken", "continuation",
		"nextmarker", "scrollid", "nextoffset", "nextpage", "next",
		NULL };

	return is_one_of(m->key, keys) || (strcmp(m->key, "after") == 0 &&
	    (strstr(m->pointer, "next") != NULL ||
		strstr(m->pointer, "cursor") != NULL ||
		strstr(m->pointer, "paging") != NULL));
}

/* Guesses the name of the query parameter: it is probably the name of the
 * member without "next". For example, the cursor in next_page_token is sent as
 * page_token. */
static void
make_param_name(char out[NAME_MAX_BYTES], const struct member *m)
{
	size_t skip = m->n > 4 && strncasecmp(m->name, "next", 4) == 0 ? 4 : 0;

	if (skip > 0 && (m->name[skip] == '_' || m->name[skip] == '-'))
		skip++;
	if (strcmp(m->key, "endcursor") == 0)
		(void)snprintf(out, NAME_MAX_BYTES, "query:after");
	else if (strcmp(m->key, "next") == 0)
		(void)snprintf(out, NAME_MAX_BYTES, "query:cursor");
	else
		(void)snprintf(out, NAME_MAX_BYTES, "query:%c%.*s",
		    tolower((unsigned char)m->name[skip]),
		    (int)(m->n - skip - 1 > 64 ? 64 : m->n - skip - 1),
		    m->name + skip + 1);
}

/* Sets the parts of the paging if the member is the URL or the cursor of the
 * next page. */
static void
look_for_next(struct look *l, const struct member *m, const char *text)
{
	char into[NAME_MAX_BYTES];

	if (is_url_of_next(m, text)) {
		set_part(l, PART_PAGING, SURE, "cursor", m->pointer,
		    "has the URL of the next page");
		set_part(l, PART_NEXT, SURE, m->pointer, m->pointer,
		    "is this URL");
		set_part(l, PART_INTO, SURE, "url", "the next request",
		    "goes to this URL");
	} else if (is_cursor_of_next(m)) {
		make_param_name(into, m);
		set_part(l, PART_PAGING, LIKELY, "cursor", m->pointer,
		    "looks like the cursor of the next page");
		set_part(l, PART_NEXT, LIKELY, m->pointer, m->pointer,
		    "is this cursor");
		set_part(l, PART_INTO, GUESS, into, "the answer",
		    "does not say which parameter takes the cursor");
	}
}

/* Called for each member of the answer. Sets the parts that it shows. */
static void
look_at_member(void *self, const struct json *j, const struct member *m)
{
	static const char *const totals[] = { "total", "totalcount",
		"totalresults", "totalitems", "totalrecords", "totalelements",
		"numfound", "count", NULL };
	static const char *const mores[] = { "hasmore", "hasnext",
		"hasnextpage", "more", "ismore", "morepages", NULL };
	const struct json_tok *t = &j->tok[m->value];
	struct look *l = self;
	struct buf text;

	if (t->type == JSON_NUMBER && is_one_of(m->key, totals))
		set_total_part(l, m->pointer, j->text + t->at, t->len);
	if ((t->type == JSON_TRUE || t->type == JSON_FALSE) &&
	    is_one_of(m->key, mores))
		set_part(l, PART_MORE, t->type == JSON_TRUE ?
		    SURE : LIKELY, m->pointer, m->pointer,
		    t->type == JSON_TRUE ?
		    "is true" : "is false: this is the last page");
	if (t->type != JSON_STRING && t->type != JSON_NUMBER)
		return;
	buf_init(&text, TEXT_MAX);
	if (t->type == JSON_STRING)
		json_unescape(&text, j, m->value);
	else
		buf_add(&text, j->text + t->at, t->len);
	(void)buf_text(&text);
	l->nomem |= text.failed && !text.full;
	if (!text.failed && text.len > 0)
		look_for_next(l, m, text.data);
	buf_release(&text);
}

/* Finds a query parameter of the URL whose key is in `keys`, and sets `name` to
 * its name as written. Returns false if there is none. */
static bool
find_param(const char *url, const char *const *keys, char name[NAME_MAX_BYTES])
{
	const char *p = strchr(url, '?');
	char key[MEMBER_KEY];
	size_t n;

	for (; p != NULL; p = strchr(p, '&')) {
		n = strcspn(++p, "=&#");
		member_make_key(key, p, n);
		if (n >= NAME_MAX_BYTES || !is_one_of(key, keys))
			continue;
		(void)snprintf(name, NAME_MAX_BYTES, "%.*s", (int)n, p);
		return true;
	}
	return false;
}

/* Called if the answer does not tell the next page. Looks for a parameter of
 * the URL that may be the number of the page or of its first record. */
static void
look_for_number(struct look *l)
{
	static const char *const pages[] = { "page", "p", "pagenumber",
		"pageno", "pageindex", NULL };
	static const char *const offsets[] = { "offset", "skip", "start",
		"startindex", "startat", NULL };
	bool more = l->total > (int64_t)l->records;
	char name[NAME_MAX_BYTES], into[NAME_MAX_BYTES + 8];
	bool is_page = find_param(l->url, pages, name);

	if (!is_page && !find_param(l->url, offsets, name)) {
		if (!more)
			return;
		set_part(l, PART_PAGING, GUESS, "page", "the total",
		    "is more than the records of this page");
		set_part(l, PART_INTO, GUESS, "query:page", "the answer",
		    "does not say which parameter takes the number");
		return;
	}
	(void)snprintf(into, sizeof(into), "query:%s", name);
	set_part(l, PART_PAGING, more ? LIKELY : GUESS,
	    is_page ? "page" : "offset", name, "is a parameter of the URL");
	set_part(l, PART_INTO, more ? LIKELY : GUESS, into, name,
	    "is this parameter");
}

/* Guesses paging as in the Stripe API: a member says that more pages follow, no
 * member is a cursor, and the id of the last record is used as the cursor. */
static void
look_for_last_id(struct look *l)
{
	const struct finding *more = &l->findings->part[PART_MORE];

	if (more->sure != SURE || l->records == 0 ||
	    l->findings->part[PART_PAGING].sure != NOT_FOUND ||
	    json_member_value(l->j, l->array + 1, "id", 2) == 0)
		return;
	set_part(l, PART_PAGING, GUESS, "cursor", "more pages follow,",
	    "and the records have an id");
	set_part(l, PART_NEXT, GUESS, "last:/id", "the id of the last record",
	    "may be the cursor");
	set_part(l, PART_INTO, GUESS, "query:starting_after", "the answer",
	    "does not say which parameter takes the cursor");
}

/* Sets the part of --size if the URL, or that of the next page, has a parameter
 * for it. */
static void
look_for_size(struct look *l, const char *next)
{
	static const char *const sizes[] = { "limit", "perpage", "pagesize",
		"size", "top", "rows", "maxresults", "count", NULL };
	char name[NAME_MAX_BYTES];

	if (find_param(l->url, sizes, name))
		set_part(l, PART_SIZE, SURE, "", name,
		    "is in the URL: raise its value to make fewer requests");
	else if (next != NULL && find_param(next, sizes, name))
		set_part(l, PART_SIZE, LIKELY, "", name, "is in the URL of "
		    "the next page: give --size with this name to make fewer "
		    "requests");
}

static void
look_for_link(struct look *l)
{
	const char *uri, *v;
	char next[TEXT_MAX];
	size_t n;

	if (link_find_next(l->answer, &uri, &n)) {
		set_part(l, PART_PAGING, SURE, "link", "the Link header",
		    "names the next page");
		(void)snprintf(next, sizeof(next), "%.*s",
		    (int)(n < sizeof(next) ? n : sizeof(next) - 1), uri);
		look_for_size(l, next);
	} else if (http_find_header(l->answer, "Link", &v, &n) &&
	    memmem(v, n, "rel=", 4) != NULL) {
		set_part(l, PART_PAGING, GUESS, "link", "the Link header",
		    "names other pages, but no next one");
	}
	look_for_size(l, NULL);
}

/* Removes options that are useless with the paging that was found. */
static void
clear_useless(struct look *l)
{
	struct finding *p = l->findings->part;
	const char *paging = buf_text(&p[PART_PAGING].value);

	if (strcmp(paging, "link") == 0) {
		p[PART_NEXT].sure = p[PART_INTO].sure = NOT_FOUND;
		buf_clear(&p[PART_NEXT].value);
		buf_clear(&p[PART_INTO].value);
		buf_clear(&p[PART_MORE].value);
		buf_clear(&p[PART_TOTAL].value);
	}
	if (p[PART_PAGING].sure == NOT_FOUND) {
		buf_clear(&p[PART_MORE].value);
		buf_clear(&p[PART_TOTAL].value);
	}
}

static int
look_for_paging(struct look *l, struct err *e)
{
	bool whole;

	l->total = -1;
	look_for_total(l);
	look_for_link(l);
	if (members_visit(l->j, 0, look_at_member, l, e) == -1)
		return -1;
	if (l->nomem)
		return err_nomem(e);
	look_for_last_id(l);
	if (l->findings->part[PART_PAGING].sure < LIKELY)
		look_for_number(l);
	clear_useless(l);
	whole = l->total == (int64_t)l->records && l->total > 0;
	if (l->findings->part[PART_PAGING].sure == NOT_FOUND)
		set_part(l, PART_PAGING, whole ? SURE :
		    GUESS, "", whole ? "all records" : "the answer",
		    whole ? "are in this answer" : "names no next page");
	return 0;
}

enum { REASON_MAX = 1024 };

/* The arrays of an answer that may contain the records. */
struct arrays {
	uint32_t best;          /* token of the most likely array, or 0 */
	unsigned score, depth;  /* score and depth of the array `best` */
	unsigned with_objects;  /* number of arrays with objects */
	unsigned at_top;        /* number of arrays that are members of the
				 * answer */
	char pointer[MEMBER_POINTER];
};

static bool
is_usual_name(const char *key)
{
	static const char *const names[] = { "data", "items", "results",
		"records", "values", "entries", "hits", "rows", "content",
		"value", "list", "objects" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

/* Called for each member. Remembers it if it is an array that is more likely to
 * have the records than those before. */
static void
note_best_array(void *self, const struct json *j, const struct member *m)
{
	struct arrays *a = self;
	const struct json_tok *t = &j->tok[m->value];
	bool objects;
	unsigned score;

	if (t->type != JSON_ARRAY)
		return;
	objects = t->members > 0 && t[1].type == JSON_OBJECT;
	a->with_objects += objects;
	a->at_top += m->depth == 1;
	score = 1 + (objects ? 8 : t->members == 0 ? 4 : 0) +
	    (is_usual_name(m->key) ? 2 : 0) + (m->depth == 1);
	if (score <= a->score)
		return;
	a->score = score;
	a->best = m->value;
	a->depth = m->depth;
	(void)snprintf(a->pointer, sizeof(a->pointer), "%s", m->pointer);
}

static uint64_t
count_elements(const struct json *j, uint32_t array)
{
	uint64_t n = 0;

	for (uint32_t i = array + 1; i < j->tok[array].next;
	    i = j->tok[i].next)
		n++;
	return n;
}

/* Sets PART_RECORDS to the array that most likely has the records. The option
 * --records is not needed if this is the only array that is a member of the
 * answer itself. */
static void
set_records_part(struct look *l, const struct arrays *a)
{
	bool is_default = a->at_top == 1 && a->depth == 1;
	char why[REASON_MAX];

	l->array = a->best;
	l->records = count_elements(l->j, a->best);
	(void)snprintf(why, sizeof(why), "%s has %" PRIu64 " record%s%s",
	    a->pointer, l->records, l->records == 1 ? "" : "s",
	    a->with_objects > 1 ?
	    ", but other arrays of the answer have objects, too" :
	    l->records == 0 ? ", so this is only their likely place" : "");
	findings_set(l->findings, PART_RECORDS,
	    a->with_objects == 1 ? SURE : a->with_objects > 1 ? LIKELY : GUESS,
	    is_default ? "" : a->pointer, why);
}

static int
look_for_records(struct look *l, struct err *e)
{
	const struct json_tok *t = l->j->tok;
	struct arrays a = { 0 };
	char why[REASON_MAX];

	if (t[0].type == JSON_ARRAY) {
		l->array = 0;
		l->records = count_elements(l->j, 0);
		(void)snprintf(why, sizeof(why), "the answer is the array of "
		    "%" PRIu64 " record%s", l->records,
		    l->records == 1 ? "" : "s");
		findings_set(l->findings, PART_RECORDS, SURE, "", why);
		return 0;
	}
	if (members_visit(l->j, 0, note_best_array, &a, e) == -1)
		return -1;
	if (a.best == 0)
		return err_set(e, ERR_PEER, false, "the answer has no array, "
		    "so --probe finds no records in it");
	set_records_part(l, &a);
	return 0;
}

/* The member of the first record that, by its name, is most likely a cursor. */
struct field {
	unsigned rank;          /* higher for a more likely member; 0: no member
				 * was found */
	enum value_kind kind;
	char pointer[MEMBER_POINTER];
};

static const char *const field_keys[] = { "updatedat", "modifiedat",
	"lastmodified", "lastmodifiedat", "lastupdated", "updated", "modified",
	"changedat", "updatedon", "modifiedon", "timestamp", "ts", "time",
	"eventtime", "createdat", "created", "date", "seq", "id" };
enum { FIELDS = sizeof(field_keys) / sizeof(field_keys[0]),
	FIELDS_OF_CHANGES = 9 };

/* Called for each member of a record. Remembers it if it is a better cursor
 * than those before. */
static void
note_best_field(void *self, const struct json *j, const struct member *m)
{
	struct field *f = self;
	const struct json_tok *t = &j->tok[m->value];
	const char *p = j->text + t->at;
	size_t n = t->len;
	enum value_kind kind;

	if (m->depth > 2 || (t->type != JSON_STRING && t->type != JSON_NUMBER))
		return;
	if (t->type == JSON_STRING) {
		p++;
		n -= 2;
	}
	kind = value_kind(p, n);
	for (unsigned i = 0; i < FIELDS; i++) {
		if (strcmp(m->key, field_keys[i]) != 0 ||
		    kind == VALUE_TEXT || FIELDS - i <= f->rank)
			continue;
		f->rank = FIELDS - i;
		f->kind = kind;
		(void)snprintf(f->pointer, sizeof(f->pointer), "%s",
		    m->pointer);
	}
}

static int
look_for_cursor(struct look *l, struct err *e)
{
	struct field f = { 0 };
	char why[REASON_MAX * 2];

	if (l->records > 0 && l->j->tok[l->array + 1].type == JSON_OBJECT &&
	    members_visit(l->j, l->array + 1, note_best_field, &f, e) == -1)
		return -1;
	if (f.rank == 0)
		return 0;
	(void)snprintf(why, sizeof(why), "%s is %s: to read only what is new, "
	    "add --checkpoint NAME --cursor-field %s --since-param PARAMETER",
	    f.pointer, f.kind == VALUE_TIME ? "a time" : "a number",
	    f.pointer);
	findings_set(l->findings, PART_FIELD,
	    f.rank > FIELDS - FIELDS_OF_CHANGES ? LIKELY : GUESS, "", why);
	return 0;
}

enum { OUTPUT_MAX = 1 << 20 };

struct probe {
	const struct extract_opts *o;
	struct fetch *fetch;
	struct request request;
	struct http_answer answer;
	struct json j;
	struct findings findings;
	struct buf out;
};

static int
check_probe_options(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e)
{
	if (n != 1 || strncmp(uri[0], "http", 4) != 0)
		return err_set(e, ERR_USAGE, false,
		    "--probe needs exactly one SOURCE, a URL of HTTP");
	if (o->each != NULL || o->checkpoint != NULL || o->paginate != NULL ||
	    o->records != NULL || o->next != NULL || o->more != NULL ||
	    o->total != NULL || o->into != NULL || o->query != NULL ||
	    o->table != NULL || o->new_files)
		return err_set(e, ERR_USAGE, false, "--probe finds out where "
		    "the records are and how to page: give only options for "
		    "requests with it");
	return source_options_check(o, KIND_HTTP, e) == -1 ? -1 :
	    request_check(o, uri[0], e);
}

static int
parse_probe_answer(void *self, const struct http_answer *a, struct err *e)
{
	struct probe *p = self;
	struct json_fault f = { 0 };
	struct buf b;

	if (json_scan(&p->j, a->body.data, a->body.len, JSON_LEVELS_ALL,
	    JSON_LAST, &f) == 0)
		return 0;
	if (f.nomem)
		return err_nomem(e);
	buf_init(&b, 1024);
	fetch_show_body(p->fetch, &b, a, 80);
	(void)err_set(e, ERR_PEER, false, "the answer is not JSON (%s): %s",
	    f.why, buf_text(&b));
	buf_release(&b);
	return -1;
}

static void
put_word_option(struct buf *b, const char *option, const char *word)
{
	buf_printf(b, " --%s ", option);
	put_shell_word(b, word);
}

/* A header on the command line may contain a secret, so its value is not
 * printed. A header that was given as @FILE is printed unchanged. */
static void
put_header(struct buf *b, const char *option, const char *header)
{
	char name[256];

	(void)snprintf(name, sizeof(name), "%.*s: ...",
	    (int)strcspn(header, ":"), header);
	put_word_option(b, option, *header == '@' ? header : name);
}

/* The user name and the password of a proxy are not printed. */
static void
put_proxy_option(struct buf *b, const char *option, const char *url)
{
	const char *at = strrchr(url, '@'), *scheme_end = strstr(url, "://");
	const int scheme = scheme_end == NULL ? 0 : (int)(scheme_end + 3 - url);
	char shown[1024];

	(void)snprintf(shown, sizeof(shown), "%.*s...%s", scheme, url,
	    at == NULL ? "" : at);
	put_word_option(b, option, at == NULL ? url : shown);
}

/* Appends an option whose value is at p. */
static void
put_option_value(struct buf *b, const struct opt *option, const void *p)
{
	void (*put_text)(struct buf *, const char *, const char *) =
	    strcmp(option->name, "header") == 0 ? put_header :
	    strcmp(option->name, "proxy") == 0 ?
	    put_proxy_option : put_word_option;
	const struct opt_list *list = p;
	const char *const *text = p;
	const uint64_t *number = p;

	switch (option->type) {
	case OPT_STRING:
		put_text(b, option->name, *text);
		break;
	case OPT_LIST:
		for (size_t i = 0; i < list->n; i++)
			put_text(b, option->name, list->v[i]);
		break;
	case OPT_NUMBER: case OPT_SIZE: case OPT_COUNT: case OPT_DURATION:
		buf_printf(b, " --%s %" PRIu64 "%s", option->name, *number,
		    option->type == OPT_DURATION ? "ms" : "");
		break;
	case OPT_FLAG: case OPT_COMMAND:
		buf_printf(b, " --%s", option->name);
	}
}

/* Prints the findings as comments, which begin with #. Then prints the command:
 * the options that the user has given, without --probe, and those that were
 * found. */
static int
print_command(struct probe *p, const char *url, struct err *e)
{
	const struct opt_spec *spec = &extract_option_spec;
	const struct finding *found = p->findings.part;
	struct buf *b = &p->out;

	for (size_t i = 0; i < PARTS; i++) {
		if (found[i].sure == NOT_FOUND)
			continue;
		buf_printf(b, "# %s: %s: ", parts[i].name,
		    sureness[found[i].sure]);
		text_show(b, found[i].why.data, found[i].why.len);
		buf_char(b, '\n');
	}
	buf_str(b, "etl-extract");
	for (size_t i = 0; i < spec->n; i++)
		if (p->o->is_given[i] &&
		    strcmp(spec->opts[i].name, "probe") != 0)
			put_option_value(b, &spec->opts[i],
			    (const char *)p->o + spec->opts[i].offset);
	for (size_t i = 0; i < PARTS; i++) {
		if (parts[i].option == NULL || found[i].value.len == 0)
			continue;
		buf_printf(b, " %s ", parts[i].option);
		put_shell_word(b, found[i].value.data);
	}
	buf_char(b, ' ');
	put_shell_word(b, url);
	buf_char(b, '\n');
	if (fetch_mask_text(p->fetch, b, e) == -1)
		return -1;
	return fd_write_all(STDOUT_FILENO, b->data, b->len) == 0 ? 0 :
	    err_errno(e, ERR_IO, "standard output");
}

/* Requests the URL and sets the findings from its answer. */
static int
probe_request(struct probe *p, const char *url, struct err *e)
{
	const struct answer_check check = { parse_probe_answer, p };
	struct look l = { .findings = &p->findings, .answer = &p->answer,
	    .j = &p->j, .url = url };
	struct finding *found = p->findings.part;

	if (request_load_body(&p->request, p->o, e) == -1 ||
	    request_set_url(&p->request, p->o, url, strlen(url), e) == -1 ||
	    fetch_whole(p->fetch, &p->request, &check, &p->answer, e) == -1)
		return -1;
	if (look_for_records(&l, e) == -1) {
		err_prefix(e, "%s", fetch_masked_url(p->fetch, &p->request));
		return -1;
	}
	if (look_for_paging(&l, e) == -1 || look_for_cursor(&l, e) == -1)
		return -1;
	for (size_t i = 0; i < PARTS; i++)
		if (buf_check(&found[i].value, e) == -1 ||
		    buf_check(&found[i].why, e) == -1)
			return -1;
	return 0;
}

int
probe_run(struct extract *x, char *const *uri, size_t n, struct err *e)
{
	struct probe p = { .o = &x->opts };
	int rc = -1;

	if (check_probe_options(&x->opts, uri, n, e) == -1)
		return -1;
	request_init(&p.request);
	http_answer_init(&p.answer, x->opts.max_body);
	for (size_t i = 0; i < PARTS; i++) {
		buf_init(&p.findings.part[i].value, FINDING_MAX);
		buf_init(&p.findings.part[i].why, FINDING_MAX);
	}
	buf_init(&p.out, OUTPUT_MAX);
	p.request.source = uri[0];
	if (fetch_open_once(&p.fetch, x, e) == 0 &&
	    probe_request(&p, uri[0], e) == 0)
		rc = print_command(&p, uri[0], e);
	fetch_close(x->fetch);
	request_release(&p.request);
	http_answer_release(&p.answer);
	for (size_t i = 0; i < PARTS; i++) {
		buf_release(&p.findings.part[i].value);
		buf_release(&p.findings.part[i].why);
	}
	json_release(&p.j);
	buf_release(&p.out);
	return rc;
}
