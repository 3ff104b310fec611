#include "run.h"

#include "base/text.h"

#include <string.h>

static const struct column {
	const char *name;
	enum run_count what;
} upstream[] = {
	{ "IN", COUNT_IN }, { "OUT", COUNT_OUT }, { "DROPPED", COUNT_DROPPED },
	{ "REJECTED", COUNT_REJECTED }, { "ASIDE", COUNT_ASIDE },
}, loader[] = {
	{ "IN", COUNT_IN }, { "INSERTED", COUNT_INSERTED },
	{ "UPDATED", COUNT_UPDATED }, { "UNCHANGED", COUNT_UNCHANGED },
	{ "SUPERSEDED", COUNT_SUPERSEDED }, { "SKIPPED", COUNT_SKIPPED },
	{ "DELETED", COUNT_DELETED }, { "REJECTED", COUNT_REJECTED },
};

enum { WIDTH = 8, NAME = 16 };

static void
pad(struct buf *b, size_t start, size_t width)
{
	while (b->len < start + width)
		buf_char(b, ' ');
}

/* Each value is one line, whatever is in it. */
static void
field(struct buf *b, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	buf_printf(b, "%-12s", name);
	text_show(b, value, strlen(value));
	buf_char(b, '\n');
}

static void
row_text(struct buf *b, const struct history *h)
{
	static const char *const counts[] = { "extracted", "loaded",
	    "unchanged", "dropped", "rejected" };
	const int64_t *n = h->number;
	const char *completed = h->text[TEXT_COMPLETED];

	field(b, "run", h->text[TEXT_RUN]);
	buf_printf(b, "%-12s%lld\n", "number", (long long)n[NUMBER_ID]);
	field(b, "pipeline", h->text[TEXT_PIPELINE]);
	field(b, "status", h->text[TEXT_STATUS]);
	buf_printf(b, "%-12s%lld\n", "attempt", (long long)n[NUMBER_ATTEMPT]);
	field(b, "retry of", h->text[TEXT_RETRY_OF]);
	field(b, "host", h->text[TEXT_HOST]);
	field(b, "started", h->text[TEXT_STARTED]);
	field(b, completed != NULL ? "completed" : "renewed",
	    completed != NULL ? completed : h->text[TEXT_RENEWED]);
	buf_printf(b, "%-12s%lld.%03llds\n", "time",
	    (long long)n[NUMBER_DURATION] / 1000,
	    (long long)n[NUMBER_DURATION] % 1000);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		buf_printf(b, "%-12s%lld\n", counts[i],
		    (long long)n[NUMBER_EXTRACTED + i]);
	field(b, "message", h->text[TEXT_MESSAGE]);
}

static void
codes_text(struct buf *b, const struct history *h, const char *stage)
{
	const char *comma = " ";

	for (size_t i = 0; i < h->ncodes; i++) {
		if (strcmp(h->codes[i].stage, stage) != 0)
			continue;
		buf_str(b, comma);
		text_show(b, h->codes[i].code, strlen(h->codes[i].code));
		buf_printf(b, " %lld", (long long)h->codes[i].count);
		comma = ", ";
	}
}

static void
cell(struct buf *b, const char *text, size_t width)
{
	size_t start = b->len;

	text_show(b, text, strlen(text));
	pad(b, start, width);
}

/* Rejects of the stream that an earlier run stored, or that were purged. */
static void
missing_text(struct buf *b, const struct history *h,
    const struct run_stage *s)
{
	int64_t have = history_letters(h, s), due = s->count[COUNT_REJECTED] -
	    s->count[COUNT_ASIDE];

	if (have < due)
		buf_printf(b, "%s%lld not stored by this run, or purged",
		    have > 0 ? ", " : " ", (long long)(due - have));
}

static int
width(const struct column *c)
{
	size_t n = strlen(c->name);

	return n > WIDTH ? (int)n : WIDTH;
}

static void
stage_text(struct buf *b, const struct history *h, const struct run_stage *s,
    const struct column *c, size_t n, bool codes)
{
	cell(b, s->name, NAME);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, " %*lld", width(&c[i]),
		    (long long)s->count[c[i].what]);
	if (codes) {
		codes_text(b, h, s->name);
		missing_text(b, h, s);
	}
	buf_char(b, '\n');
}

/* The stages of one kind, under a head. Codes are known of the whole run, not
 * of a stream. */
static void
kind_text(struct buf *b, const struct history *h, const struct run_counts *t,
    const struct column *c, size_t n)
{
	bool loads = c == loader, codes = t == &h->stages, any = false;

	for (size_t k = 0; k < t->n; k++) {
		const struct run_stage *s = &t->stages[k];

		if (s->has[COUNT_INSERTED] != loads)
			continue;
		if (!any) {
			buf_char(b, '\n');
			cell(b, "STAGE", NAME);
			for (size_t i = 0; i < n; i++)
				buf_printf(b, " %*s", width(&c[i]),
				    c[i].name);
			buf_str(b, codes ? " CODES\n" : "\n");
		}
		any = true;
		stage_text(b, h, s, c, n, codes);
	}
}

static void
stages_text(struct buf *b, const struct history *h, const struct run_counts *t)
{
	kind_text(b, h, t, upstream, sizeof(upstream) / sizeof(upstream[0]));
	kind_text(b, h, t, loader, sizeof(loader) / sizeof(loader[0]));
}

static bool
has_counts(const struct history *h, const char *stage)
{
	for (size_t i = 0; i < h->stages.n; i++)
		if (strcmp(h->stages.stages[i].name, stage) == 0)
			return true;
	return false;
}

/* Rejects of stages whose counts never came. */
static void
rest_text(struct buf *b, const struct history *h)
{
	const char *last = "";

	for (size_t i = 0; i < h->ncodes; i++) {
		const char *stage = h->codes[i].stage;

		if (has_counts(h, stage) || strcmp(stage, last) == 0)
			continue;
		if (*last == '\0')
			buf_str(b, "\nOther rejects\n");
		last = stage;
		cell(b, stage, NAME);
		codes_text(b, h, stage);
		buf_char(b, '\n');
	}
}

static void
loads_text(struct buf *b, const struct history *h)
{
	if (h->nloads > 0)
		buf_printf(b, "\n%-24s %8s %8s %8s %-6s %s\n", "TARGET",
		    "BATCHES", "SEQ", "VERSION", "STATE", "STREAM");
	for (size_t i = 0; i < h->nloads; i++) {
		const struct run_load *l = &h->loads[i];

		cell(b, l->target, 24);
		buf_printf(b, " %8lld %8lld %8lld %-6s ",
		    (long long)l->batches, (long long)l->seq,
		    (long long)l->version, l->taken ? "taken" :
		    l->ended ? "ended" : "open");
		cell(b, l->stream, 0);
		buf_char(b, '\n');
	}
}

/* If the run loaded several streams, or one stream into several targets, the
 * stages of each load. */
static void
streams_text(struct buf *b, const struct history *h)
{
	for (size_t i = 0; h->nloads > 1 && i < h->nloads; i++) {
		const struct run_load *l = &h->loads[i];

		buf_str(b, "\nInto ");
		cell(b, l->target, 0);
		buf_str(b, ", stream ");
		cell(b, l->stream, 0);
		buf_char(b, '\n');
		stages_text(b, h, &l->counts);
	}
}

static void
log_text(struct buf *b, const char *log)
{
	size_t n;

	if (log == NULL || *log == '\0')
		return;
	buf_str(b, "\nThe end of its messages\n");
	for (; *log != '\0'; log += n + (log[n] == '\n')) {
		n = strcspn(log, "\n");
		buf_str(b, "  ");
		text_show(b, log, n);
		buf_char(b, '\n');
	}
}

static bool
all_ended(const struct history *h)
{
	for (size_t i = 0; i < h->nloads; i++)
		if (!h->loads[i].ended)
			return false;
	return h->nloads > 0;
}

static void
problems_text(struct buf *b, const struct history *h)
{
	const char *p = h->problems.data;
	size_t n = h->problems.len, line;

	if (n > 0)
		buf_str(b, "\nWhat does not add up\n");
	else if (all_ended(h))
		buf_str(b, "\nEvery record is accounted for.\n");
	for (; n > 0; p += line + 1, n -= line + 1) {
		line = (size_t)((const char *)memchr(p, '\n', n) - p);
		buf_str(b, "  ");
		text_show(b, p, line);
		buf_char(b, '\n');
	}
}

void
history_text(struct buf *b, const struct history *h)
{
	row_text(b, h);
	if (h->so_far && h->stages.n > 0)
		buf_str(b, "\nWhat its loads have committed so far:\n");
	stages_text(b, h, &h->stages);
	rest_text(b, h);
	loads_text(b, h);
	streams_text(b, h);
	problems_text(b, h);
	log_text(b, h->text[TEXT_LOG]);
}
