#include "run.h"
#include "status.h"

#include "json/write.h"

#include <string.h>

static void
put_text(struct buf *b, const char *name, const char *s)
{
	if (s != NULL)
		status_put_text(b, name, s, strlen(s));
}

static void
put_json_row(struct buf *b, const struct run_report *h)
{
	static const char *const texts[TEXT_STAGES] = { "run", "pipeline",
	    "status", "retry_of", "host", "started_at", "completed_at",
	    "renewed_at", "error_message", "traceparent", "log" };
	static const char *const numbers[NUMBER_N] = { "id", "attempt",
	    "duration_ms", "records_extracted", "records_loaded", "unchanged",
	    "dropped", "rejected", "errors" };

	for (size_t i = 0; i < TEXT_STAGES; i++)
		put_text(b, texts[i], h->text[i]);
	for (size_t i = 0; i < NUMBER_N; i++)
		json_put_int(b, numbers[i], h->number[i]);
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
put_json_codes(struct buf *b, const struct run_report *h)
{
	open_json_array(b, "codes");
	for (size_t i = 0; i < h->ncodes; i++) {
		buf_str(b, i == 0 ? "{" : ",{");
		put_text(b, "stage", h->codes[i].stage);
		put_text(b, "code", h->codes[i].code);
		json_put_int(b, "count", h->codes[i].count);
		buf_char(b, '}');
	}
	buf_char(b, ']');
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
	buf_char(b, '{');
	put_json_row(b, h);
	put_bool(b, "so_far", h->so_far);
	buf_str(b, ",\"stages\":");
	run_counts_put_json(b, &h->stages);
	put_json_codes(b, h);
	put_json_loads(b, h);
	put_problems(b, h);
	buf_str(b, "}\n");
}
