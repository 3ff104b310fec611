#include "plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ARGS = 3 };

struct fault {
	const char *name;
	unsigned args;
	void (*set)(struct plan *p, char arg[ARGS][PLAN_TEXT]);
};

static const char fault_body[] = "{\"message\": \"fault\"}";

static void
set_status(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->status = (int)strtol(arg[0], NULL, 10);
	p->body = fault_body;
}

/* Arguments: K, status, value.  The value "date+N" means the HTTP date N
 * seconds from now.  Only the first K calls get the fault. */
static void
set_retry_after(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	const char *v = arg[2];
	time_t at = time(NULL);
	struct tm tm;

	if (p->call > strtoul(arg[0], NULL, 10))
		return;
	p->status = (int)strtol(arg[1], NULL, 10);
	p->body = fault_body;
	if (strncmp(v, "date", 4) != 0) {
		snprintf(p->retry_after, sizeof(p->retry_after), "%s", v);
		return;
	}
	at += strtol(v + 4, NULL, 10);
	strftime(p->retry_after, sizeof(p->retry_after),
	    "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
}

/* Argument: "Name: value". */
static void
set_header(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	size_t n = strlen(p->header);

	snprintf(p->header + n, sizeof(p->header) - n, "%s\n", arg[0]);
}

static void
set_slow(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->delay = strtol(arg[0], NULL, 10);
}

static void
set_drip(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->drip = 1000;
}

static void
set_cut(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->sent = strtoul(arg[0], NULL, 10);
}

static void
set_cut_chunk(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	set_cut(p, arg);
	p->chunked = true;
}

static void
set_stall(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	set_cut(p, arg);
	p->stall = true;
}

static void
set_cut_gzip(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->gzip = p->half = true;
}

static void
set_bad_gzip(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->gzip = p->badsum = true;
}

static void
set_bomb(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->bomb = strtoul(arg[0], NULL, 10);
}

static void
set_garbage(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->body = "<!DOCTYPE html>\n<html><body>Please log in\033[31m</body>"
	    "</html>\n";
}

static void
set_empty(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->body = "";
}

static void
set_scalar(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->body = "42";
}

static void
set_body(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	snprintf(p->text, sizeof(p->text), "%s", arg[0]);
	p->body = p->text;
}

static void
set_endless(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->endless = ENDLESS_SAME;
}

static void
set_endless_new(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->endless = ENDLESS_NEW;
}

static void
set_total(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	snprintf(p->total, sizeof(p->total), "%.60s", arg[0]);
}

static void
set_redirect(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->status = (int)strtol(arg[0], NULL, 10);
	snprintf(p->text, sizeof(p->text), "%s", arg[1]);
	p->redirect = true;
}

static void
set_loop(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->status = 302;
	p->loop = true;
}

static void
set_reset(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->reset = true;
}

static void
set_bad_body(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->status = (int)strtol(arg[0], NULL, 10);
	p->body = "\033[31mred\033[0m \033]0;title\007 bell\007\r\n\t"
	    "c1 \xc2\x9b" "31m bidi \xe2\x80\xae line \xe2\x80\xa8 "
	    "bad \xff\x80 then text that is much longer than the two "
	    "hundred bytes which a message shows of it, so that the place "
	    "where it ends can be seen as well; and on, and on, to the END.";
}

static void
set_quota(struct plan *p, char arg[ARGS][PLAN_TEXT])
{
	p->status = 403;
	p->body = "{\"message\": \"API rate limit exceeded\"}";
	p->quota = true;
}

static const struct fault faults[] = {
	{ "status", 1, set_status },            /* CODE */
	{ "retry-after", 3, set_retry_after },  /* K, CODE, VALUE */
	{ "header", 1, set_header },            /* LINE, a further header */
	{ "slow", 1, set_slow },                /* MS before the answer */
	{ "drip", 0, set_drip },                /* a byte a second */
	{ "cut", 1, set_cut },                  /* close after N bytes */
	{ "cutchunk", 1, set_cut_chunk },       /* the same, chunked */
	{ "stall", 1, set_stall },              /* send N bytes, stay open */
	{ "cutgzip", 0, set_cut_gzip },         /* half of the gzip data */
	{ "badgzip", 0, set_bad_gzip },         /* wrong CRC */
	{ "bomb", 1, set_bomb },                /* gzip of N MiB of blanks */
	{ "garbage", 0, set_garbage },          /* 200 with HTML */
	{ "empty", 0, set_empty },              /* 200 with nothing */
	{ "scalar", 0, set_scalar },            /* 200 with 42 */
	{ "body", 1, set_body },                /* 200 with TEXT */
	{ "endless", 0, set_endless },          /* page 1 for any page */
	{ "endless-new", 0, set_endless_new },  /* new records on any page */
	{ "total", 1, set_total },              /* x-total-count, "-": none */
	{ "redirect", 2, set_redirect },        /* CODE, TARGET, keeps ?query */
	{ "loop", 0, set_loop },                /* 302 to itself */
	{ "reset", 0, set_reset },              /* TCP RST, no response */
	{ "bad-body", 1, set_bad_body },        /* CODE, body with controls */
	{ "quota", 0, set_quota },              /* 403, rate limit used up */
};

void
decode(char *out, size_t max, const char *p, size_t n)
{
	size_t at = 0, i = 0;
	unsigned byte;

	while (i < n && at + 1 < max)
		if (p[i] == '%' && i + 2 < n &&
		    sscanf(p + i + 1, "%2x", &byte) == 1) {
			out[at++] = (char)byte;
			i += 3;
		} else {
			out[at++] = p[i++];
		}
	out[at] = '\0';
}

size_t
segment(const char *path, char *out, size_t max)
{
	size_t n = strcspn(path, "/?");

	decode(out, max, path, n);
	return n;
}

bool
query_text(const char *path, const char *name, char *out, size_t max)
{
	const char *p = strchr(path, '?');
	size_t n = strlen(name);

	out[0] = '\0';
	for (; p != NULL; p = strchr(p, '&'))
		if (strncmp(++p, name, n) == 0 && p[n] == '=') {
			decode(out, max, p + n + 1, strcspn(p + n + 1, "&"));
			return true;
		}
	return false;
}

unsigned long
query_number(const char *path, const char *name, unsigned long none)
{
	char text[64];

	return query_text(path, name, text, sizeof(text)) ?
	    strtoul(text, NULL, 10) : none;
}

/* Takes the next "/segment" from *path and decodes it into out. */
static void
take(const char **path, char *out, size_t max)
{
	if (**path == '/')
		++*path;
	*path += segment(*path, out, max);
}

/* If the next segment is a number K, takes it and returns whether this call is
 * one of the first K. */
static bool
take_calls(const char **path, unsigned call)
{
	size_t n = 0;
	char k[32];

	if (**path == '/')
		n = strspn(*path + 1, "0123456789");
	if (n == 0 || strchr("/?", (*path)[n + 1]) == NULL)
		return true;
	take(path, k, sizeof(k));
	return call <= strtoul(k, NULL, 10);
}

static bool
take_fault(struct plan *p, const char **path)
{
	char arg[ARGS][PLAN_TEXT];
	char name[64];

	take(path, name, sizeof(name));
	if (strcmp(name, "on") == 0) {
		take(path, arg[0], sizeof(arg[0]));
		p->off = p->off || strstr(*path, arg[0]) == NULL;
		return true;
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(name, faults[i].name) != 0)
			continue;
		for (unsigned k = 0; k < faults[i].args; k++)
			take(path, arg[k], sizeof(arg[k]));
		if ((faults[i].args == ARGS || take_calls(path, p->call)) &&
		    !p->off)
			faults[i].set(p, arg);
		return true;
	}
	return false;
}

void
plan_read(struct plan *p, struct api *a, const char *uri)
{
	const char *path = uri;
	bool known = true;

	memset(p, 0, sizeof(*p));
	p->sent = SIZE_MAX;
	p->uri = uri;
	p->call = strstr(uri, "/fault/") == NULL ? 1 :
	    counts_add(a->counts, uri);
	while (known)
		if (strncmp(path, "/auth/", 6) == 0) {
			p->auth = true;
			path += 5;
		} else if (strncmp(path, "/fault/", 7) == 0) {
			path += 6;
			known = take_fault(p, &path);
		} else {
			break;
		}
	p->path = path;
	if (!known) {
		p->status = 501;
		p->body = "no such fault\n";
	}
}

/* Writes the Location header: the target, with the query of the request. */
static void
location_put(const struct plan *p, struct buf *head)
{
	const char *query = strchr(p->uri, '?');

	if (p->loop)
		buf_printf(head, "Location: %s\n", p->uri);
	else
		buf_printf(head, "Location: %s%s\n", p->text, query != NULL &&
		    strchr(p->text, '?') == NULL ? query : "");
}

void
plan_apply(const struct plan *p, struct reply *r)
{
	if (r->status == 0)
		r->status = p->status > 0 ? p->status : 200;
	if (p->body != NULL && r->status != 401)
		buf_str(&r->body, p->body);
	if (p->redirect || p->loop)
		location_put(p, &r->head);
	buf_str(&r->head, p->header);
	if (p->retry_after[0] != '\0')
		buf_printf(&r->head, "Retry-After: %s\n", p->retry_after);
	if (p->quota)
		buf_printf(&r->head, "X-RateLimit-Remaining: 0\n"
		    "X-RateLimit-Reset: %lld\n", (long long)time(NULL) + 1);
	r->delay = p->delay;
	r->drip = p->drip;
	r->sent = p->sent;
	r->stall = p->stall;
	r->chunked = p->chunked;
	r->reset = p->reset;
}
