#include "dlq.h"

#include "base/text.h"

#include <string.h>

enum { TEXT = 1 << 30, PART = 64 << 10 };

/* Prints the name and the value on one line, with control characters of the
 * value escaped. Prints in parts, because the escaped text may be six times as
 * long as the value. */
static int
print_field(struct dlq *d, struct buf *line, const char *name, const char *p,
    size_t n, struct err *e)
{
	if (p == NULL || n == 0)
		return 0;
	buf_clear(line);
	buf_printf(line, "%-14s", name);
	for (size_t part; n > 0; p += part, n -= part) {
		part = text_cut_length(p, n, PART);
		text_show(line, p, part);
		if (buf_check(line, e) == -1 ||
		    out_write_part(d->out, line->data, line->len, e) == -1)
			return -1;
		buf_clear(line);
	}
	return out_write_line(d->out, "", 0, e);
}

static int
print_number(struct dlq *d, struct buf *line, const char *name, int64_t v,
    struct err *e)
{
	buf_clear(line);
	buf_printf(line, "%-14s%lld", name, (long long)v);
	if (buf_check(line, e) == -1)
		return -1;
	return out_write_line(d->out, line->data, line->len, e);
}

static int
print_fields(struct dlq *d, const struct letter *l, struct buf *line,
    struct err *e)
{
	const struct { const char *name, *text; } fields[] = {
		{ "id", l->reject_id }, { "status", l->status },
		{ "pipeline", l->pipeline }, { "stream", l->stream },
		{ "stage", l->stage }, { "target", l->target },
		{ "code", l->code }, { "message", l->message },
		{ "pointer", l->pointer }, { "origin", l->origin },
		{ "sqlstate", l->sqlstate }, { "reason", l->reason },
		{ "run", l->run }, { "created_at", l->created_at },
		{ "last_seen_at", l->last_seen_at },
		{ "resolved_at", l->resolved_at },
		{ "resolved_by", l->resolved_by_run },
		{ "erased_at", l->erased_at }, { "sha256", l->sha256 },
	};

	if (print_number(d, line, "letter", l->id, e) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].text != NULL && print_field(d, line,
		    fields[i].name, fields[i].text, strlen(fields[i].text),
		    e) == -1)
			return -1;
	if (l->http_status != 0 &&
	    print_number(d, line, "http_status", l->http_status, e) == -1)
		return -1;
	if (print_number(d, line, "attempts", l->attempts, e) == -1 ||
	    print_number(d, line, "resolved_upto", l->resolved_upto, e) == -1)
		return -1;
	if (l->bytes != 0 && print_number(d, line, "bytes", l->bytes, e) == -1)
		return -1;
	return print_field(d, line, l->bytes != 0 ? "raw (start)" : "raw",
	    l->raw, l->raw_len, e);
}

static int
print_occurrences(struct dlq *d, const struct letter *l, struct buf *line,
    struct err *e)
{
	struct occurrences o;
	struct buf text;
	int more = occurrences_open(&o, d, l, TIMES_ALL, e);

	buf_init(&text, TEXT);
	while (more != -1 && (more = occurrences_next(&o, e)) == 1) {
		buf_clear(&text);
		buf_printf(&text, "%s  %s  %s", o.t.at, o.t.occurrence,
		    o.t.message);
		if (buf_check(&text, e) == -1 ||
		    print_field(d, line, "seen", text.data, text.len,
		    e) == -1 ||
		    (o.t.has_own_bytes && print_field(d, line, "its raw",
		    o.t.raw, o.t.raw_len, e) == -1))
			more = -1;
	}
	occurrences_close(&o);
	buf_release(&text);
	return more;
}

/* Prints the bytes of the rejected record. Warns if the database has only its
 * first bytes because the record was too long. Also warns if the record had
 * other bytes when it was rejected before. */
static int
print_raw(struct dlq *d, const struct letter *l, struct err *e)
{
	if (l->bytes != 0)
		err_warnf("etl-dlq", "show: letter %lld: only the first %zu "
		    "of its %lld bytes were kept",
		    (long long)l->id, l->raw_len, (long long)l->bytes);
	if (l->has_own_bytes)
		err_warnf("etl-dlq", "show: letter %lld: this is the record as "
		    "it was rejected last; etl-dlq show %lld shows how it was "
		    "before", (long long)l->id, (long long)l->id);
	return out_write_line(d->out, l->raw, l->raw_len, e);
}

static int
print_letter(struct dlq *d, struct letters *from, struct letter *l,
    struct buf *line, struct err *e)
{
	if (d->opts->json)
		return print_letter_json(d, from, l, true, e);
	switch (letters_read_raw(from, l, e)) {
	case -1:
		return -1;
	case 0:
		return err_set(e, ERR_RETRY, true, "letter %lld was changed "
		    "by another command while it was read: try again",
		    (long long)l->id);
	default:
		break;
	}
	if (d->opts->raw && l->erased_at != NULL)
		return err_set(e, ERR_LIMIT, false, "letter %lld: the bytes of "
		    "its record were erased, so they cannot be shown",
		    (long long)l->id);
	if (d->opts->raw)
		return print_raw(d, l, e);
	if (print_fields(d, l, line, e) == -1)
		return -1;
	return print_occurrences(d, l, line, e);
}

static int
show_letter(struct dlq *d, const char *id, struct buf *line, struct err *e)
{
	const struct letter_filter f = { .id = id };
	struct letters *letters = NULL;
	struct letter l;
	int more;

	if (letters_open(&letters, d->db, &f, e) == -1)
		return -1;
	more = letters_next(letters, &l, e);
	if (more == 1)
		more = print_letter(d, letters, &l, line, e);
	else if (more == 0)
		more = err_set(e, ERR_LIMIT, false, "%s: no such letter: "
		    "etl-dlq list prints the letters", id);
	letters_close(letters);
	return more;
}

int
show_command(struct dlq *d, struct err *e)
{
	struct buf line;
	int rc = dlq_open_database(d, e);

	buf_init(&line, TEXT);
	for (int i = 0; rc == 0 && i < d->nargs; i++)
		rc = show_letter(d, d->args[i], &line, e);
	buf_release(&line);
	return rc;
}
