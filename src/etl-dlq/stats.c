/* The sub-command stats: counts dead letters (stored rejects) by cause. Two
 * letters have the same cause if they have the same stage, code and message;
 * digits and quoted texts in the message may differ. */
#include "dlq.h"

#include "base/message_shape.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
