#include "base/text.h"
#include "common/ahead.h"
#include "csv/csv_columns.h"
#include "csv/csv_options.h"
#include "csv/csv_reader.h"
#include "file/file_format.h"
#include "source/source.h"

#include <stdlib.h>
#include <string.h>

struct csv_ranges;

enum { RING = AHEAD_JOBS_MAX + 1 };

struct started {
	struct ahead_job *job;
	uint64_t from;
};

struct csv_ranges {
	struct ahead *pool;
	ahead_work *work;
	void *self;
	uint64_t next, size;            /* no child has begun to read from
					 * `next` on */
	bool is_exact;                  /* a record starts at `next` */
	struct ahead_job *taken;        /* its records have been returned by
					 * csv_ranges_take() */
	size_t first, n;                /* the ring of the jobs that were
					 * started */
	struct started ring[RING];
};

static struct started *
get_first(struct csv_ranges *r)
{
	return &r->ring[r->first];
}

/* Gives parts of the file to children, as many as they can take. `at` is the
 * offset that the reader has reached. */
static void
start_children(struct csv_ranges *r, uint64_t at)
{
	struct ahead_task t;
	struct ahead_job *j;

	/* If no child was free for a time, the reader has read past r->next by
	 * itself. Do not start children before the reader's place. */
	if (r->next < at) {
		r->next = at;
		r->is_exact = true;
	}
	while (r->next < r->size && r->n < RING) {
		t.from = r->next;
		t.is_exact = r->is_exact;
		t.to = r->size - r->next < AHEAD_INPUT ? r->size :
		    r->next + AHEAD_INPUT;
		if ((j = ahead_start(r->pool, r->work, r->self, &t)) == NULL)
			return;
		r->ring[(r->first + r->n++) % RING] =
		    (struct started){ j, t.from };
		r->next = t.to;
		r->is_exact = false;
	}
}

/* Returns the records that a child has read from the offset `at` on; they are
 * valid until the next call. Returns NULL if the reader must read this part by
 * itself. Also gives further parts to children. */
static const struct ahead_output *
csv_ranges_take(struct csv_ranges *r, uint64_t at)
{
	const struct ahead_output *o = NULL;

	if (r->taken != NULL)
		ahead_release(r->taken);
	r->taken = NULL;
	start_children(r, at);
	while (o == NULL && r->n > 0 && get_first(r)->from <= at) {
		struct ahead_job *j = get_first(r)->job;

		r->first = (r->first + 1) % RING;
		r->n--;
		o = ahead_wait(j);
		if (o != NULL && o->begin == at && o->end > at) {
			r->taken = j;
		} else {
			ahead_release(j);
			o = NULL;
		}
	}
	return o;
}

enum { SAMPLE_ROWS = 1000, TAIL_MAX = 2 << 20 };

struct csv {
	const struct extract_opts *o;
	struct input *in;
	struct csv_options options;
	struct csv_columns columns;
	struct csv_reader *reader;
	struct csv_json json;
	struct buf tail;                /* appended to each record */
	struct csv_guess *guess;        /* for each column, while the first
					 * rows are read for --types auto */
	uint64_t start, lines_before;   /* of --changed tail: the first record
					 * that is read */
	uint64_t sampled;               /* rows read for --types auto */
	struct ahead *pool;
	struct csv_ranges *ranges;      /* NULL: not used for this file */
	bool is_child;                  /* a child has reopened the input */
	bool has_ranges;                /* begin_read_ahead() was called */
	bool prints_nothing;            /* a child reads the whole file */
	bool has_columns;               /* the names are known */
	bool is_ready;                  /* the types are known too */
};

static void
csv_close(void *self)
{
	struct csv *c = self;

	if (c == NULL)
		return;
	if (c->ranges != NULL)
		ahead_kill(c->ranges->pool, c->ranges->self);
	free(c->ranges);
	csv_reader_close(c->reader);
	csv_options_release(&c->options);
	csv_columns_release(&c->columns);
	csv_json_release(&c->json);
	buf_release(&c->tail);
	free(c->guess);
	input_close(c->in);
	free(c);
}

static int
open_reader(struct csv *c, const struct extract *x, const char *path,
    struct err *e)
{
	struct file_format f;

	file_format_of(&f, c->o, path);
	path_member_put(&c->tail, c->o->source_file, path);
	if (buf_check(&c->tail, e) == -1 ||
	    csv_options_parse(&c->options, c->o, file_is_tsv(&f), e) == -1 ||
	    input_open(&c->in, x, path, f.compression, e) == -1)
		return -1;
	c->json.d = &c->options.dialect;
	c->json.columns = &c->columns;
	c->json.tail = c->tail.data;
	c->json.tail_len = c->tail.len;
	return csv_reader_open(&c->reader, c->in, &c->options.dialect,
	    c->o->max_record, e);
}

static int
csv_open(void **self, struct extract *x, const char *path, struct err *e)
{
	struct csv *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->o = &x->opts;
	c->pool = x->ahead;
	c->prints_nothing = x->is_child;
	if (x->given != NULL) {
		c->start = x->given->start;
		c->lines_before = x->given->lines_before;
	}
	buf_init(&c->tail, TAIL_MAX);
	csv_columns_init(&c->columns);
	csv_json_init(&c->json, x->opts.max_record);
	if (open_reader(c, x, path, e) == -1) {
		csv_close(c);
		return -1;
	}
	*self = c;
	return 0;
}

/* Sets the types that --types names. With `auto`, begins a sample of rows. */
static int
set_named_types(struct csv *c, struct err *e)
{
	const struct csv_types_option *t = &c->options.types;
	ptrdiff_t i;

	for (size_t k = 0; k < t->n; k++)
		if ((i = csv_columns_find(&c->columns, t->of[k].name)) != -1)
			c->columns.column[i].type = t->of[k].type;
		else
			err_warnf("etl-extract", "%s: --types names the column "
			    "%s, which the header does not have",
			    input_path(c->in), t->of[k].name);
	c->has_columns = true;
	c->is_ready = !t->is_auto;
	if (c->is_ready)
		return 0;
	csv_reader_mark(c->reader);
	c->guess = calloc(c->columns.n, sizeof(*c->guess));
	return c->guess != NULL ? 0 : err_nomem(e);
}

/* Fails if the file has a column with the name of --source-file. Else sets the
 * types of the columns. */
static int
accept_columns(struct csv *c, struct err *e)
{
	const char *field = c->o->source_file;

	if (field != NULL && csv_columns_find(&c->columns, field) != -1)
		return err_set(e, ERR_CONFIG, false, "%s: the file has a "
		    "column %s already: choose another name with --source-file",
		    input_path(c->in), field);
	return set_named_types(c, e);
}

/* With a wrong delimiter the file has one column, and no record is rejected. A
 * child must not print, so it fails, and its parent reads the file again. */
static int
warn_delimiter(const struct csv *c, const struct csv_record *rec, struct err *e)
{
	const struct csv_field *f = rec->field;
	const char *p = rec->line.data + f->at,
	    *likely = rec->n == 1 ? csv_guess_delimiter(p, f) : NULL;

	if (likely == NULL)
		return 0;
	if (c->prints_nothing)
		return err_set(e, ERR_DATA, false, "a line must be printed");
	err_warnf("etl-extract", "%s: the header has only one column, "
	    "\"%.*s\": if %s separates the columns, give --delimiter '%s'",
	    input_path(c->in), (int)text_cut_length(p, f->len, 100), p,
	    likely, likely);
	return 0;
}

/* A header that cannot be read makes all records of the file unusable, so it
 * is an error and not a reject. */
static int
set_header_columns(struct csv *c, const struct csv_record *rec, struct err *e)
{
	int rc;

	if (rec->why != NULL || rec->line.too_long)
		rc = err_set(e, ERR_DATA, false, "the header cannot be read: "
		    "%s", rec->why != NULL ? rec->why :
		    "it is longer than --max-record");
	else
		rc = csv_columns_set(&c->columns, rec->line.data, rec->line.len,
		    rec->field, rec->n, c->options.dialect.quote, e);
	if (rc == -1) {
		err_prefix(e, "%s: line %llu", input_path(c->in),
		    (unsigned long long)rec->line.number);
		return -1;
	}
	return warn_delimiter(c, rec, e) == -1 ? -1 : accept_columns(c, e);
}

/* Adds the values of a row to the guesses for --types auto. */
static int
guess_row_types(struct csv *c, const struct csv_record *rec, struct err *e)
{
	struct buf *b = &c->json.field;

	c->sampled++;
	if (rec->n != c->columns.n || rec->why != NULL || rec->line.too_long)
		return 0;
	for (size_t i = 0; i < rec->n; i++) {
		const struct csv_field *f = &rec->field[i];
		const char *p = rec->line.data + f->at;
		size_t n = f->len;

		if (csv_field_is_null(&c->options.dialect, p, f))
			continue;
		if (f->has_doubled) {
			buf_clear(b);
			csv_append_field(b, rec->line.data, f,
			    c->options.dialect.quote);
			if (buf_check(b, e) == -1)
				return -1;
			p = b->data;
			n = b->len;
		}
		csv_trim(&p, &n);
		if (n > 0)
			csv_guess_add(&c->guess[i], p, n);
	}
	return 0;
}

/* Sets the types of --types auto, then those that --types gives by name. Goes
 * back to the first row. */
static void
end_sample(struct csv *c)
{
	const struct csv_types_option *t = &c->options.types;

	for (size_t i = 0; i < c->columns.n; i++)
		c->columns.column[i].type = csv_guess_type(&c->guess[i]);
	for (size_t k = 0; k < t->n; k++) {
		ptrdiff_t i = csv_columns_find(&c->columns, t->of[k].name);

		if (i != -1)
			c->columns.column[i].type = t->of[k].type;
	}
	csv_reader_rewind(c->reader);
	c->is_ready = true;
}

/* Reads the header and, for --types auto, the first rows. Returns SOURCE_ITEM
 * when the first row comes next. */
static enum source_next
read_header(struct csv *c, struct err *e)
{
	struct csv_record rec;

	if (!c->has_columns && c->o->columns != NULL &&
	    (csv_columns_parse(&c->columns, c->o->columns, e) == -1 ||
		accept_columns(c, e) == -1))
		return SOURCE_FAILED;
	while (!c->is_ready) {
		if (c->sampled == SAMPLE_ROWS) {
			end_sample(c);
			break;
		}
		switch (csv_reader_next(c->reader, &rec, e)) {
		case CSV_ITEM:
			if ((c->has_columns ? guess_row_types(c, &rec, e) :
				set_header_columns(c, &rec, e)) == -1)
				return SOURCE_FAILED;
			break;
		case CSV_WAIT:
			return SOURCE_PAUSE;
		case CSV_END:
			if (!c->has_columns)
				return SOURCE_END;
			end_sample(c);
			break;
		default:
			return SOURCE_FAILED;
		}
	}
	return SOURCE_ITEM;
}

/* Makes *it the record as JSON, or a reject if the record cannot be used. */
static int
fill_csv_item(struct csv *c, const struct csv_record *rec, struct item *it,
    struct err *e)
{
	int rc = csv_json_make(&c->json, rec, e);

	if (rc == -1)
		return -1;
	*it = (struct item){ .line = rec->line,
	    .kind = input_kind(c->in),
	    .uri = input_path(c->in), .is_in_file = true };
	if (rc == 1) {
		it->record = c->json.record.data;
		it->record_len = c->json.record.len;
		return 0;
	}
	it->code = c->json.code;
	it->message = buf_text(&c->json.message);
	if (c->json.pointer.len > 0)
		it->pointer = buf_text(&c->json.pointer);
	it->columns = buf_text(&c->columns.json);
	if (input_is_converted(c->in))
		it->converted = c->in;
	return 0;
}

/* In a child: makes the records of a part of the file, up to the first
 * reject. */
static void
read_range(void *self, const struct ahead_task *t, struct ahead_output *o)
{
	struct csv *c = self;
	struct csv_reader *r = c->reader;
	struct csv_record rec;
	uint64_t first_line;
	struct err e;

	if ((!c->is_child && input_reopen(c->in, &e) == -1) ||
	    csv_reader_seek(r, t->from - !t->is_exact, 0, &e) == -1 ||
	    (!t->is_exact && csv_reader_skip(r, &e) == -1))
		return;
	c->is_child = true;
	o->begin = o->end = csv_reader_offset(r);
	first_line = csv_reader_lines(r);
	csv_reader_refuse_long(r);
	while (o->end < t->to && csv_reader_next(r, &rec, &e) == CSV_ITEM &&
	    csv_json_make(&c->json, &rec, &e) == 1 &&
	    ahead_put_line(o, c->json.record.data, c->json.record.len)) {
		o->end = csv_reader_offset(r);
		o->input_lines = csv_reader_lines(r) - first_line;
	}
	o->is_done = true;
}

/* Lets children read ahead if the rest of the file is long enough. */
static int
begin_read_ahead(struct csv *c, struct err *e)
{
	const uint64_t at = csv_reader_offset(c->reader);
	const uint64_t size = input_size(c->in);
	struct csv_ranges *r;

	if (c->pool == NULL || !input_is_seekable(c->in) ||
	    size < at + AHEAD_INPUT)
		return 0;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_nomem(e);
	*r = (struct csv_ranges){ .pool = c->pool, .work = read_range,
	    .self = c, .next = at, .size = size, .is_exact = true };
	c->ranges = r;
	return 0;
}

/* Sets *it to records that a child has made. Returns SOURCE_PAUSE if there are
 * none: the next record must be read here. */
static enum source_next
take_from_child(struct csv *c, struct item *it, struct err *e)
{
	struct csv_reader *r = c->reader;
	const struct ahead_output *o =
	    csv_ranges_take(c->ranges, csv_reader_offset(r));

	if (o == NULL)
		return SOURCE_PAUSE;
	if (csv_reader_seek(r, o->end, csv_reader_lines(r) + o->input_lines,
		e) == -1)
		return SOURCE_FAILED;
	*it = (struct item){ .record = o->data, .record_len = o->len,
	    .records = o->records };
	return SOURCE_ITEM;
}

static enum source_next
csv_next(void *self, struct item *it, struct err *e)
{
	struct csv *c = self;
	struct csv_record rec;
	enum source_next n;

	if (!c->is_ready && (n = read_header(c, e)) != SOURCE_ITEM)
		return n;
	if (!c->has_ranges &&
	    ((c->start > csv_reader_offset(c->reader) &&
		csv_reader_seek(c->reader, c->start, c->lines_before, e) ==
		    -1) || begin_read_ahead(c, e) == -1))
		return SOURCE_FAILED;
	c->has_ranges = true;
	if (c->ranges != NULL &&
	    (n = take_from_child(c, it, e)) != SOURCE_PAUSE)
		return n;
	switch (csv_reader_next(c->reader, &rec, e)) {
	case CSV_ITEM:
		return fill_csv_item(c, &rec, it, e) == 0 ? SOURCE_ITEM :
		    SOURCE_FAILED;
	case CSV_WAIT:
		return SOURCE_PAUSE;
	case CSV_END:
		return SOURCE_END;
	default:
		return SOURCE_FAILED;
	}
}

static const char *const formats[] = { "csv", "tsv", NULL };

const struct source source_csv = {
    .kind = KIND_CSV,
    .formats = formats,
    .open = csv_open,
    .next = csv_next,
    .close = csv_close,
};
