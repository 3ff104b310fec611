#include "base/text.h"
#include "json/write.h"
#include "status.h"

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
}, by_mode[] = {
	{ "MISSED", COUNT_MISSED }, { "REMOVED", COUNT_REMOVED },
};

enum { WIDTH = 8, NAME = 16 };

/* Appends each line of the text, indented by two blanks and with control
 * characters escaped. */
static void
put_indented(struct buf *b, const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (strncmp(text, "  ", 2) != 0)
			buf_str(b, "  ");
		text_show(b, text, n);
		buf_char(b, '\n');
	}
}

/* Appends a line with the name and the value, with control characters escaped;
 * nothing if the value is missing or empty. Further lines of the value follow
 * indented, so that none of them looks like another field. */
static void
put_field(struct buf *b, const char *name, const char *value)
{
	size_t n;

	if (value == NULL || *value == '\0')
		return;
	n = strcspn(value, "\n");
	buf_printf(b, "%-12s", name);
	text_show(b, value, n);
	buf_char(b, '\n');
	if (value[n] == '\n')
		put_indented(b, value + n + 1);
}

static void
put_run_row(struct buf *b, const struct run_report *h)
{
	static const char *const counts[] = { "extracted", "loaded",
	    "unchanged", "dropped", "rejected" };
	const int64_t *n = h->number;
	/* The duration is negative if the clock was set back during the run:
	 * print 0. */
	long long ms = n[NUMBER_DURATION] > 0 ? n[NUMBER_DURATION] : 0;
	const char *completed = h->text[TEXT_COMPLETED];

	put_field(b, "run", h->text[TEXT_RUN]);
	buf_printf(b, "%-12s%lld\n", "number", (long long)n[NUMBER_ID]);
	put_field(b, "pipeline", h->text[TEXT_PIPELINE]);
	put_field(b, "status", h->text[TEXT_STATUS]);
	buf_printf(b, "%-12s%lld\n", "attempt", (long long)n[NUMBER_ATTEMPT]);
	put_field(b, "retry of", h->text[TEXT_RETRY_OF]);
	put_field(b, "host", h->text[TEXT_HOST]);
	put_field(b, "started", h->text[TEXT_STARTED]);
	put_field(b, completed != NULL ? "completed" : "renewed",
	    completed != NULL ? completed : h->text[TEXT_RENEWED]);
	buf_printf(b, "%-12s%lld.%03llds\n", "time",
	    ms / 1000, ms % 1000);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		buf_printf(b, "%-12s%lld\n", counts[i],
		    (long long)n[NUMBER_EXTRACTED + i]);
	put_field(b, "message", h->text[TEXT_MESSAGE]);
}

static void
put_reject_codes(struct buf *b, const struct run_report *h, const char *stage)
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
put_cell_padded(struct buf *b, const char *text, size_t column_width)
{
	size_t start = b->len;

	text_show(b, text, strlen(text));
	while (b->len < start + column_width)
		buf_char(b, ' ');
}

/* Appends how many rejects of the stage this run has not stored as dead letters
 * in the database. Either an earlier run has stored them, or etl-dlq purge has
 * deleted them. Rejects written to a file (COUNT_ASIDE) are not counted. */
static void
put_missing(struct buf *b, const struct run_report *h,
    const struct run_stage *s)
{
	int64_t have = count_stored_letters(h, s),
		due = s->count[COUNT_REJECTED] - s->count[COUNT_ASIDE];

	if (have < due)
		buf_printf(b, "%s%lld not stored by this run, or purged",
		    have > 0 ? ", " : " ", (long long)(due - have));
}

static int
column_width(const struct column *c)
{
	size_t n = strlen(c->name);

	return n > WIDTH ? (int)n : WIDTH;
}

static bool
has_any_count(const struct run_counts *t, enum run_count what)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->stages[i].has[what])
			return true;
	return false;
}

/* Copies the columns of the loaders' table to `to`. A column of by_mode is
 * copied only if a stage has this count. Returns the number of columns. */
static size_t
copy_loader_columns(struct column *to, const struct run_counts *t)
{
	size_t n = sizeof(loader) / sizeof(loader[0]);

	memcpy(to, loader, sizeof(loader));
	for (size_t i = 0; i < sizeof(by_mode) / sizeof(by_mode[0]); i++)
		if (has_any_count(t, by_mode[i].what))
			to[n++] = by_mode[i];
	return n;
}

/* Appends a table with a row of counts for each loader (if `only_loaders`) or
 * for each other stage. The last column has the codes of rejects. It is left
 * out unless *t is the whole run, because the database stores codes only for a
 * whole run. */
static void
put_stage_table(struct buf *b, const struct run_report *h,
    const struct run_counts *t, bool only_loaders)
{
	struct column with_mode[sizeof(loader) / sizeof(loader[0]) +
	    sizeof(by_mode) / sizeof(by_mode[0])];
	const struct column *c = only_loaders ? with_mode : upstream;
	size_t n = only_loaders ? copy_loader_columns(with_mode, t) :
	    sizeof(upstream) / sizeof(upstream[0]);
	bool codes = t == &h->stages, any = false;

	for (size_t k = 0; k < t->n; k++) {
		const struct run_stage *s = &t->stages[k];

		if (s->has[COUNT_INSERTED] != only_loaders)
			continue;
		if (!any) {
			buf_char(b, '\n');
			put_cell_padded(b, "STAGE", NAME);
			for (size_t i = 0; i < n; i++)
				buf_printf(b, " %*s", column_width(&c[i]),
				    c[i].name);
			buf_str(b, codes ? " CODES\n" : "\n");
		}
		any = true;
		put_cell_padded(b, s->name, NAME);
		for (size_t i = 0; i < n; i++)
			buf_printf(b, " %*lld", column_width(&c[i]),
			    (long long)s->count[c[i].what]);
		if (codes) {
			put_reject_codes(b, h, s->name);
			put_missing(b, h, s);
		}
		buf_char(b, '\n');
	}
}

static void
put_stage_tables(
    struct buf *b, const struct run_report *h, const struct run_counts *t)
{
	put_stage_table(b, h, t, false);
	put_stage_table(b, h, t, true);
}

static bool
has_stage_counts(const struct run_report *h, const char *stage)
{
	for (size_t i = 0; i < h->stages.n; i++)
		if (strcmp(h->stages.stages[i].name, stage) == 0)
			return true;
	return false;
}

/* Appends the heading "Other rejects" and the reject codes of stages that have
 * no stored record counts. */
static void
put_other_rejects(struct buf *b, const struct run_report *h)
{
	const char *last = "";

	for (size_t i = 0; i < h->ncodes; i++) {
		const char *stage = h->codes[i].stage;

		if (has_stage_counts(h, stage) || strcmp(stage, last) == 0)
			continue;
		if (*last == '\0')
			buf_str(b, "\nOther rejects\n");
		last = stage;
		put_cell_padded(b, stage, NAME);
		put_reject_codes(b, h, stage);
		buf_char(b, '\n');
	}
}

static void
put_loads(struct buf *b, const struct run_report *h)
{
	if (h->nloads > 0)
		buf_printf(b, "\n%-24s %8s %8s %8s %-6s %s\n", "TARGET",
		    "BATCHES", "SEQ", "VERSION", "STATE", "STREAM");
	for (size_t i = 0; i < h->nloads; i++) {
		const struct run_load *l = &h->loads[i];

		put_cell_padded(b, l->target, 24);
		buf_printf(b, " %8lld %8lld %8lld %-6s ",
		    (long long)l->batches, (long long)l->seq,
		    (long long)l->version, l->taken ? "taken" :
		    l->ended ? "ended" : "open");
		put_cell_padded(b, l->stream, 0);
		buf_char(b, '\n');
	}
}

/* If the run has several loads (a load is one stream written to one target
 * table), appends the tables of stage counts of each load. */
static void
put_load_stages(struct buf *b, const struct run_report *h)
{
	for (size_t i = 0; h->nloads > 1 && i < h->nloads; i++) {
		const struct run_load *l = &h->loads[i];

		buf_str(b, "\nInto ");
		put_cell_padded(b, l->target, 0);
		buf_str(b, ", stream ");
		put_cell_padded(b, l->stream, 0);
		buf_char(b, '\n');
		put_stage_tables(b, h, &l->counts);
	}
}

/* Appends the problems. If there are none and all loads have ended, says so. */
static void
put_verdict(struct buf *b, const struct run_report *h)
{
	const char *p = h->problems.data;
	size_t n = h->problems.len, line;

	bool ended = h->nloads > 0;

	for (size_t i = 0; i < h->nloads; i++)
		ended &= h->loads[i].ended;
	if (n > 0)
		buf_str(b, "\nThese counts do not add up:\n");
	else if (ended)
		buf_str(b, "\nEvery record is accounted for.\n");
	for (; n > 0; p += line + 1, n -= line + 1) {
		line = (size_t)((const char *)memchr(p, '\n', n) - p);
		buf_str(b, "  ");
		text_show(b, p, line);
		buf_char(b, '\n');
	}
}

void
run_report_put_text(struct buf *b, const struct run_report *h)
{
	const char *log = h->text[TEXT_LOG];    /* its last lines */

	put_run_row(b, h);
	if (h->so_far && h->stages.n > 0)
		buf_str(b, "\nThe run has not ended. Its loads have committed "
		    "so far:\n");
	put_stage_tables(b, h, &h->stages);
	put_other_rejects(b, h);
	put_loads(b, h);
	put_load_stages(b, h);
	put_verdict(b, h);
	if (log != NULL && *log != '\0') {
		buf_str(b, "\nLast lines of standard error\n");
		put_indented(b, log);
	}
}

static void
put_text(struct buf *b, const char *name, const char *s)
{
	if (s != NULL)
		status_put_text(b, name, s, strlen(s));
}

/* Appends the start of an array member of a JSON object, always with a comma
 * before it: ,"name":[ */
static void
open_json_array(struct buf *b, const char *name)
{
	buf_char(b, ',');
	json_put_string(b, name, strlen(name));
	buf_str(b, ":[");
}

static void
put_bool(struct buf *b, const char *name, bool v)
{
	json_put_raw(b, name, v ? "true" : "false", v ? 4 : 5);
}

static void
put_json_loads(struct buf *b, const struct run_report *h)
{
	open_json_array(b, "loads");
	for (size_t i = 0; i < h->nloads; i++) {
		const struct run_load *l = &h->loads[i];

		buf_str(b, i == 0 ? "{" : ",{");
		put_text(b, "target", l->target);
		put_text(b, "stream", l->stream);
		json_put_int(b, "batches", l->batches);
		json_put_int(b, "seq", l->seq);
		json_put_int(b, "version", l->version);
		put_bool(b, "ended", l->ended);
		put_bool(b, "taken", l->taken);
		buf_str(b, ",\"stages\":");
		run_counts_put_json(b, &l->counts);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
put_problems(struct buf *b, const struct run_report *h)
{
	const char *p = h->problems.data;
	size_t n = h->problems.len, line;

	open_json_array(b, "problems");
	for (bool first = true; n > 0; first = false) {
		line = (size_t)((const char *)memchr(p, '\n', n) - p);
		if (!first)
			buf_char(b, ',');
		json_put_string(b, p, line);
		p += line + 1;
		n -= line + 1;
	}
	buf_char(b, ']');
}

void
run_report_put_json(struct buf *b, const struct run_report *h)
{
	static const char *const texts[TEXT_STAGES] = { "run", "pipeline",
	    "status", "retry_of", "host", "started_at", "completed_at",
	    "renewed_at", "error_message", "traceparent", "log" };
	static const char *const numbers[NUMBER_N] = { "id", "attempt",
	    "duration_ms", "records_extracted", "records_loaded", "unchanged",
	    "dropped", "rejected", "errors" };

	buf_char(b, '{');
	for (size_t i = 0; i < TEXT_STAGES; i++)
		put_text(b, texts[i], h->text[i]);
	for (size_t i = 0; i < NUMBER_N; i++)
		json_put_int(b, numbers[i], h->number[i]);
	put_bool(b, "so_far", h->so_far);
	buf_str(b, ",\"stages\":");
	run_counts_put_json(b, &h->stages);
	open_json_array(b, "codes");
	for (size_t i = 0; i < h->ncodes; i++) {
		buf_str(b, i == 0 ? "{" : ",{");
		put_text(b, "stage", h->codes[i].stage);
		put_text(b, "code", h->codes[i].code);
		json_put_int(b, "count", h->codes[i].count);
		buf_char(b, '}');
	}
	buf_char(b, ']');
	put_json_loads(b, h);
	put_problems(b, h);
	buf_str(b, "}\n");
}
