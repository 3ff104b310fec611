#include "base/stop.h"
#include "base/text.h"
#include "dlq.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
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

enum { LINE = 1 << 30 };

static void
put_cell(struct buf *b, const char *s, size_t width)
{
	size_t start = b->len, n = s != NULL ? strlen(s) : 0;

	if (n == 0)
		buf_char(b, '-');
	else
		text_show(b, s, n);
	while (b->len < start + width && !b->failed)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

static void
put_time_cell(struct buf *b, const char *stamp)
{
	char seconds[21] = "";

	if (stamp != NULL && strlen(stamp) > 19) {
		memcpy(seconds, stamp, 19);
		seconds[19] = 'Z';
	}
	put_cell(b, seconds, 20);
}

static int
put_letter_row(struct buf *b, const struct letter *l, struct err *e)
{
	buf_printf(b, "%6lld %5lld ", (long long)l->id,
	    (long long)l->attempts);
	put_cell(b, l->status, 9);
	put_time_cell(b, l->last_seen_at);
	put_cell(b, l->pipeline, 12);
	put_cell(b, l->stream, 12);
	put_cell(b, l->stage, 9);
	put_cell(b, l->code, 12);
	if (l->erased_at != NULL)
		buf_str(b, "(erased)");
	else if (l->message != NULL)
		text_show(b, l->message, strlen(l->message));
	return buf_check(b, e);
}

static int
print_letter_line(struct dlq *d, struct letters *from, struct letter *l,
    bool first, struct buf *line, struct err *e)
{
	static const char head[] = "LETTER TIMES STATUS    "
	    "LAST SEEN            PIPELINE     STREAM       STAGE     "
	    "CODE         MESSAGE";

	if (d->opts->json)
		return print_letter_json(d, from, l, false, e);
	if (first && out_write_line(d->out, head, sizeof(head) - 1, e) == -1)
		return -1;
	buf_clear(line);
	if (put_letter_row(line, l, e) == -1)
		return -1;
	return out_write_line(d->out, line->data, line->len, e);
}

int
list_command(struct dlq *d, struct err *e)
{
	struct letters *letters = NULL;
	struct letter l;
	struct buf line;
	bool first = true;
	int more = -1;

	buf_init(&line, LINE);
	if (dlq_open_database(d, e) == -1 || letters_open(&letters, d->db,
	    &d->selection.filter, e) == -1)
		goto out;
	while ((more = letters_next(letters, &l, e)) == 1) {
		if (print_letter_line(d, letters, &l, first, &line, e) == -1) {
			more = -1;
			break;
		}
		first = false;
	}
	if (more == 0 && first)
		more = dlq_print_no_match(d, "list", e);
out:
	letters_close(letters);
	buf_release(&line);
	return more;
}

int
occurrences_open(struct occurrences *o, struct dlq *d, const struct letter *l,
    enum letter_occurrences_kind kind, struct err *e)
{
	*o = (struct occurrences){ .letter = l };
	return letter_occurrences_open(&o->times, d->db, l, kind, e);
}

/* Reads the next occurrence. If its bytes were erased, sets raw to NULL. Erased
 * bytes are stored as an empty text, which is not ambiguous: no program rejects
 * an empty record, because all programs skip blank lines. */
int
occurrences_next(struct occurrences *o, struct err *e)
{
	int more = letter_occurrences_next(o->times, &o->t, e);
	int kept = more == 1
	    ? letter_occurrences_read(o->times, &o->t, e)
	    : more;

	if (more != 1 || kept == -1)
		return kept;
	o->with_its_bytes = *o->letter;
	if (!o->t.has_own_bytes)
		return 1;
	if (kept == 0 || o->t.raw_len == 0)
		o->t.raw = NULL;
	o->with_its_bytes.raw = o->t.raw;
	o->with_its_bytes.raw_len = o->t.raw_len;
	return 1;
}

void
occurrences_close(struct occurrences *o)
{
	letter_occurrences_close(o->times);
}

/* The sub-command stats: counts dead letters (stored rejects) by cause. Two
 * letters have the same cause if they have the same stage, code and message;
 * digits and quoted texts in the message may differ. */

enum { CAUSES = 1000, SHAPE = 240, EXAMPLE = 80 };

struct cause {
	char stage[LETTER_NAME + 1], code[LETTER_NAME + 1], shape[SHAPE];
	char since[CLOCK_STAMP];
	int64_t letters, times, open;
	int64_t example;        /* number of the oldest letter */
};

struct causes_found {
	struct cause *v;
	size_t n, last;
	struct cause others;
};

/* Returns the text, or "" for NULL. */
static const char *
column_text(struct db_value v)
{
	return v.type == DB_TEXT ? v.p : "";
}

/* Returns the cause in f that has the same stage, code and kind of message as
 * c; adds it if there is none. If f is full, returns f->others. The search
 * starts with the cause that was found last: the rows are ordered by message,
 * so often several rows in succession have the same cause. */
static struct cause *
add_cause(struct causes_found *f, const struct cause *c)
{
	for (size_t i = 0; i < f->n; i++) {
		struct cause *v = &f->v[(f->last + i) % f->n];

		if (strcmp(v->shape, c->shape) == 0 &&
		    strcmp(v->code, c->code) == 0 &&
		    strcmp(v->stage, c->stage) == 0) {
			f->last = (size_t)(v - f->v);
			return v;
		}
	}
	if (f->n == CAUSES)
		return &f->others;
	f->last = f->n;
	f->v[f->n] = *c;
	return &f->v[f->n++];
}

/* Copies the name of a stage or a code, cut to LETTER_NAME bytes. etl stores no
 * longer names, but another program may have written one to the table. */
static void
copy_name(char out[LETTER_NAME + 1], const char *name)
{
	size_t n = text_cut_length(name, strlen(name), LETTER_NAME);

	memcpy(out, name, n);
	out[n] = '\0';
}

/* Adds the counts of the row to its cause. Keeps the oldest letter as an
 * example. */
static void
add_row(struct causes_found *f, const struct db_rows *r)
{
	struct cause c = { .letters = 0 }, *to;
	const char *since = column_text(db_column(r, 6));
	int64_t id = db_column(r, 7).i;
	int order;

	copy_name(c.stage, column_text(db_column(r, 0)));
	copy_name(c.code, column_text(db_column(r, 1)));
	message_shape(c.shape, sizeof(c.shape), column_text(db_column(r, 2)));
	to = add_cause(f, &c);
	to->letters += db_column(r, 3).i;
	to->times += db_column(r, 4).i;
	to->open += db_column(r, 5).i;
	order = to->example == 0 ? -1 : strcmp(since, to->since);
	if (order < 0 || (order == 0 && id < to->example)) {
		to->example = id;
		(void)snprintf(to->since, sizeof(to->since), "%s", since);
	}
}

static int
compare_causes(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	if (x->open != y->open)
		return x->open < y->open ? 1 : -1;
	if (x->letters != y->letters)
		return x->letters < y->letters ? 1 : -1;
	return strcmp(x->since, y->since);
}

/* Reads the causes of the selected letters. Those with the most open letters
 * come first. */
static int
read_causes(struct causes_found *f, struct dlq *d, struct err *e)
{
	struct db_rows *r;
	int rc;

	if (letters_query(d->db, &r, SQL_LETTERS_CAUSES, NULL, 0,
	    &d->selection.filter, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		add_row(f, r);
		if (stop_signal() != 0) {
			rc = err_set(e, ERR_RETRY, true,
			    "stats: stopped by a signal");
			break;
		}
	}
	db_end(r);
	qsort(f->v, f->n, sizeof(*f->v), compare_causes);
	return rc;
}

static void
put_cause_json(struct buf *b, const struct cause *c, const char *message,
    const struct buf *record_start)
{
	buf_char(b, '{');
	json_put_text(b, "stage", c->stage);
	json_put_text(b, "code", c->code);
	json_put_text(b, "message", message);
	json_put_int(b, "letters", c->letters);
	json_put_int(b, "occurrences", c->times);
	json_put_int(b, "open", c->open);
	json_put_int(b, "example", c->example);
	json_put_member(b, "raw", record_start->data, record_start->len);
	buf_char(b, '}');
}

static void
put_cause_row(struct buf *b, const struct cause *c, const char *message,
    const struct buf *record_start)
{
	buf_printf(b, "%7lld %7lld %7lld  ", (long long)c->letters,
	    (long long)c->times, (long long)c->open);
	text_show(b, c->stage, strlen(c->stage));
	buf_char(b, ' ');
	text_show(b, c->code, strlen(c->code));
	buf_str(b, ": ");
	text_show(b, message, strlen(message));
	buf_printf(b, " (letter %lld: ", (long long)c->example);
	buf_add(b, record_start->data, record_start->len);
	buf_char(b, ')');
}

static int
print_cause(struct dlq *d, const struct cause *c, struct err *e)
{
	struct db_value v = DB_I(c->example), raw;
	size_t shows;
	struct buf line, start, shown;
	struct db_rows *r;
	int rc;

	buf_init(&line, SIZE_MAX / 4);
	buf_init(&start, SIZE_MAX / 4);
	buf_init(&shown, SIZE_MAX / 4);
	if (db_query(d->db, &r, db_sql(d->db, SQL_LETTER_EXAMPLE), &v, 1,
	    e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		raw = db_column(r, 1);
		shows = text_cut_length(raw.p, raw.len, EXAMPLE);
		text_show(&start, raw.p, shows);
		if (shows < raw.len && !d->opts->json)
			buf_str(&start, "...");
		(d->opts->json ? put_cause_json : put_cause_row)(&line, c,
		    column_text(db_column(r, 0)), &start);
	}
	db_end(r);
	if (rc == 1 && d->opts->json)
		text_show(&shown, line.data, line.len);
	if (rc == 1)
		rc = buf_check(&start, e) == -1 ||
		    buf_check(&line, e) == -1 || buf_check(&shown, e) == -1 ?
		    -1 : out_write_line(d->out, d->opts->json ? shown.data :
		    line.data, d->opts->json ? shown.len : line.len, e);
	buf_release(&line);
	buf_release(&start);
	buf_release(&shown);
	return rc;
}

static int
print_causes(struct dlq *d, const struct causes_found *f, struct err *e)
{
	static const char head[] = "LETTERS   TIMES    OPEN  CAUSE";
	uint64_t most = d->opts->limit > 0 ? d->opts->limit : CAUSES;
	struct buf b;
	int rc = 0;

	if (f->n > 0 && !d->opts->json)
		rc = out_write_line(d->out, head, sizeof(head) - 1, e);
	for (size_t i = 0; rc == 0 && i < f->n && i < most; i++)
		rc = print_cause(d, &f->v[i], e);
	if (rc == -1 || f->others.letters == 0 || d->opts->json)
		return rc;
	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "%7lld %7lld %7lld  other causes",
	    (long long)f->others.letters, (long long)f->others.times,
	    (long long)f->others.open);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_line(d->out, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

int
stats_command(struct dlq *d, struct err *e)
{
	struct causes_found f = { .v = calloc(CAUSES, sizeof(*f.v)) };
	int rc = -1;

	if (f.v == NULL)
		return err_nomem(e);
	if (dlq_open_database(d, e) == 0 &&
	    read_causes(&f, d, e) == 0 && (f.n > 0 ||
	    dlq_print_no_match(d, "stats", e) == 0))
		rc = print_causes(d, &f, e);
	free(f.v);
	return rc;
}
