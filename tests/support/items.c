#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From BASE on there are three items a minute, but items 99 to 107 share one
 * time. */
enum { BASE = 1777593600, SHARED_FIRST = 100, SHARED_LAST = 107 };
#define SEQ_BASE 9007199254740990ull

struct query {
	char since[128], until[128], by[16];
	unsigned long limit, page;
	bool strict, shuffled, pinned;
};

static void
query_read(struct query *q, const char *uri)
{
	unsigned long most;
	char order[16];

	query_text(uri, "since", q->since, sizeof(q->since));
	query_text(uri, "until", q->until, sizeof(q->until));
	if (!query_text(uri, "by", q->by, sizeof(q->by)))
		memcpy(q->by, "ts", 3);
	query_text(uri, "order", order, sizeof(order));
	q->shuffled = strcmp(order, "none") == 0;
	q->strict = query_number(uri, "strict", 0) != 0;
	q->pinned = query_number(uri, "pinned", 0) != 0;
	q->limit = query_number(uri, "limit", 100);
	q->page = query_number(uri, "page", 1);
	if (q->limit == 0 || q->limit > 100000)
		q->limit = 100;
	most = query_number(uri, "most", q->limit);
	if (q->limit > most)
		q->limit = most;
	if (q->page == 0)
		q->page = 1;
}

/* Returns the time of item n in milliseconds since 1970. */
static int64_t
item_time(unsigned n)
{
	bool shared = n >= SHARED_FIRST && n <= SHARED_LAST;
	int64_t minute = shared ? SHARED_FIRST / 3 : n / 3;

	return (BASE + minute * 60) * INT64_C(1000) +
	    (!shared && n % 12 == 8 ? 250 : 0);
}

static int64_t
time_parse(const char *text)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%d", &tm);
	int64_t ms = 0, unit = 100;
	int h, m, east = 0;

	if (p != NULL && *p != '\0')
		p = strptime(p + 1, "%H:%M:%S", &tm);
	if (p == NULL)
		return 0;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ms += (*p - '0') * unit;
	if ((*p == '+' || *p == '-') && sscanf(p + 1, "%2d:%2d", &h, &m) == 2)
		east = (h * 3600 + m * 60) * (*p == '-' ? -1 : 1);
	return (timegm(&tm) - east) * INT64_C(1000) + ms;
}

static int
compare(const struct query *q, unsigned n, const char *bound)
{
	int64_t at = item_time(n), to;
	unsigned long long seq = SEQ_BASE + n, wanted;
	char code[32];

	if (strcmp(q->by, "seq") == 0) {
		wanted = strtoull(bound, NULL, 10);
		return (seq > wanted) - (seq < wanted);
	}
	if (strcmp(q->by, "code") == 0) {
		snprintf(code, sizeof(code), "item-%06u", n);
		return strcmp(code, bound);
	}
	to = time_parse(bound);
	return (at > to) - (at < to);
}

static bool
matches(const struct query *q, unsigned n)
{
	return (q->since[0] == '\0' ||
	    compare(q, n, q->since) >= (q->strict ? 1 : 0)) &&
	    (q->until[0] == '\0' || compare(q, n, q->until) <= 0);
}

static void
ts_put(struct buf *b, unsigned n)
{
	int64_t ms = item_time(n);
	bool east = n % 7 == 0;
	time_t at = (time_t)(ms / 1000) + (east ? 7200 : 0);
	struct tm tm;
	char text[32];

	if (n % 50 == 27) {
		buf_str(b, n % 100 == 27 ? "\"yesterday\"" : "17");
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&at, &tm));
	buf_printf(b, "\"%s%s%s\"", text, ms % 1000 != 0 ? ".250" : "",
	    east ? "+02:00" : "Z");
}

/* Writes item n.  Some items are invalid on purpose: without an id, with a ts
 * that is not a time, or with a value that is not a number. */
static void
item_put(struct buf *b, unsigned n)
{
	static const char *const values[] = { "1e2", "-0.07", "12.5", "0",
	    "3.14159" };

	buf_str(b, "{");
	if (n % 50 == 13 && n % 100 == 13)
		buf_str(b, "\"id\": null, ");
	else if (n % 50 != 13)
		buf_printf(b, "\"id\": %u, ", n);
	buf_str(b, "\"ts\": ");
	ts_put(b, n);
	buf_printf(b, ",\n   \"seq\": %llu, \"code\": \"item-%06u\", "
	    "\"value\": ", SEQ_BASE + n, n);
	if (n % 50 == 41)
		buf_str(b, n % 100 == 41 ? "\"n/a\"" : "null");
	else if (n % 2 == 0)
		buf_printf(b, "%u.%02u", n, n % 100);
	else
		buf_str(b, values[n / 2 % 5]);
	buf_str(b, "}");
}

/* Writes the items of one page.  &order=none takes the matching items in steps
 * of a number that does not divide their total, which looks shuffled. */
static void
page_put(struct buf *b, const struct query *q, const unsigned *match,
    size_t total)
{
	size_t first = (q->page - 1) * q->limit, step = 1;

	if (q->shuffled)
		for (step = 7919; total > 0 && total % step == 0; step += 2)
			continue;
	if (q->pinned) {
		item_put(b, 27);
		buf_str(b, first < total ? "," : "");
	}
	for (size_t k = first; k < total && k < first + q->limit; k++) {
		buf_str(b, k == first ? "\n  " : ",\n  ");
		item_put(b, match[k * step % total]);
	}
}

void
items_answer(struct api *a, const char *uri, struct reply *r)
{
	unsigned to = atomic_load(&a->items), n = atomic_load(&a->items_from);
	unsigned *match = calloc(to + 1, sizeof(*match));
	struct query q = { 0 };
	size_t total = 0;

	query_read(&q, uri);
	for (; match != NULL && n <= to; n++)
		if (matches(&q, n))
			match[total++] = n;
	buf_printf(&r->body, "{\"total\": %zu, \"items\": [", total);
	page_put(&r->body, &q, match, total);
	buf_str(&r->body, "\n]}");
	free(match);
}

void
items_control(struct api *a, const char *path, struct reply *r)
{
	unsigned to = 0, from = 1;

	if (sscanf(path, "/control/items/%u/%u", &to, &from) >= 1 &&
	    to <= 10000000 && from > 0) {
		atomic_store(&a->items_from, from);
		atomic_store(&a->items, to);
	}
	buf_printf(&r->body, "{\"items\": %u}", atomic_load(&a->items));
}
