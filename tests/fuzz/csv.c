/* Fuzz target that reads a CSV text with the reader of etl-extract, in pieces,
 * and with csv_oracle.c: records, places, rejects, names and values are the
 * same. Bytes of the input choose the dialect, the largest record, the pieces,
 * and a record at which a second reading begins. If one of them says so, the
 * bytes 1 and 2 stand for 30,000 letters or line feeds: then records can be
 * longer than the reader's window. */
#include "csv_oracle.h"
#include "fuzz.h"
#include "oracle.h"

#include "base/hash.h"
#include "csv/csv_columns.h"

#include <string.h>

enum { TEXT_MAX = 150000, RUN = 30000, NAMES_MAX = 100, SETTINGS = 3 };

struct input {
	const char *p;
	size_t n, at, piece;
	bool seekable, waits;
};

ssize_t
input_read(struct input *in, char *p, size_t n, struct err *e)
{
	(void)e;
	n = n < in->piece ? n : in->piece;
	n = n < in->n - in->at ? n : in->n - in->at;
	memcpy(p, in->p + in->at, n);
	in->at += n;
	return (ssize_t)n;
}

bool
input_may_wait(const struct input *in)
{
	return in->waits;
}

bool
input_is_seekable(const struct input *in)
{
	return in->seekable;
}

int
input_seek(struct input *in, uint64_t offset, struct err *e)
{
	(void)e;
	MUST(in->seekable && offset <= in->n);
	in->at = (size_t)offset;
	return 0;
}

struct test {
	struct csv_dialect d;
	size_t max;
	struct input in;
	struct csv_columns columns;
	struct csv_json json;
	char *field;            /* a decoded field of the oracle */
};

static enum csv_next
read_next(struct csv_reader *r, struct csv_record *rec)
{
	enum csv_next n;
	struct err e;

	do
		n = csv_reader_next(r, rec, &e);
	while (n == CSV_WAIT);
	MUST(n != CSV_FAILED);
	return n;
}

static void
same_place(const struct test *t, const struct csv_oracle *o,
    const struct csv_record *rec)
{
	const struct line *l = &rec->line;
	const size_t bytes = o->end - o->begin;
	char sha256[HASH_HEX];

	MUST(l->offset == o->begin && l->number == o->line);
	MUST(l->bytes == bytes && l->too_long == (bytes > t->max));
	MUST(l->len == (!l->too_long || bytes < LINES_KEPT ? bytes :
	    (size_t)LINES_KEPT));
	MUST(memcmp(l->data, o->p + o->begin, l->len) == 0);
	if (l->too_long) {
		hash_bytes(o->p + o->begin, bytes, sha256);
		MUST(strcmp(l->sha256, sha256) == 0);
		return;
	}
	MUST((rec->why != NULL) == (o->bad_quote != SIZE_MAX));
	MUST(rec->n == o->fields);
}

/* The code of the reject that the page gives this record, "" if it is none. */
static const char *
find_code(const struct test *t, const struct csv_oracle *o)
{
	const char *p = o->p + o->begin;
	const size_t n = o->end - o->begin;

	if (n > t->max)
		return "too_long";
	if (o->bad_quote != SIZE_MAX)
		return "parse";
	if (!csv_oracle_is_utf8(p, n))
		return "encoding";
	if (o->fields != t->columns.n)
		return "parse";
	if (strcmp(t->columns.column[0].name, "@etl") == 0)
		return "reserved";
	return memchr(p, '\0', n) != NULL ? "encoding" : "";
}

static void
same_values(const struct test *t, const struct csv_oracle *o)
{
	const struct csv_dialect *d = &t->d;
	struct oracle json;
	size_t at = o->begin;
	bool quoted;

	MUST(oracle_read(&json, t->json.record.data, t->json.record.len));
	MUST(json.n == 1 + 2 * o->fields && json.item[0].type == 'o');
	for (size_t i = 0; i < o->fields; i++) {
		const struct oracle_item *name = &json.item[1 + 2 * i];
		const struct oracle_item *v = name + 1;
		size_t n = csv_oracle_field(o, &at, t->field, &quoted);

		MUST(strcmp(name->p, t->columns.column[i].name) == 0);
		if (d->null != NULL && !quoted && n == d->null_len &&
		    memcmp(t->field, d->null, n) == 0) {
			MUST(v->type == 'n');
			continue;
		}
		MUST(v->type == 's' && v->n == n);
		MUST(memcmp(v->p, t->field, n) == 0);
	}
	oracle_release(&json);
}

static void
same_record(struct test *t, const struct csv_oracle *o,
    const struct csv_record *rec)
{
	const char *code = find_code(t, o);
	struct err e;
	int rc;

	same_place(t, o, rec);
	if (t->columns.n == 0 || o->fields > NAMES_MAX)
		return;
	rc = csv_json_make(&t->json, rec, &e);
	MUST(rc == 0 || rc == 1);
	if (*code == '\0' && t->json.record.len > t->max)
		code = "too_long";
	MUST(strcmp(code, rc == 1 ? "" : t->json.code) == 0);
	if (rc == 1)
		same_values(t, o);
}

/* True if a column before i has this name. */
static bool
is_taken(const struct test *t, size_t i, const char *name)
{
	while (i-- > 0)
		if (strcmp(t->columns.column[i].name, name) == 0)
			return true;
	return false;
}

/* The name of column i is the field at *at, made unique. */
static void
same_name(const struct test *t, const struct csv_oracle *o, size_t i,
    size_t *at)
{
	char *name = t->field;
	bool quoted;
	size_t n = csv_oracle_field(o, at, name, &quoted);

	name[n] = '\0';
	if (strspn(name, " \t") == n) {
		(void)snprintf(name, TEXT_MAX, "column_%zu", i + 1);
		n = strlen(name);
	}
	for (int k = 2; is_taken(t, i, name); k++)
		(void)snprintf(name + n, TEXT_MAX - n, "_%d", k);
	MUST(strcmp(name, t->columns.column[i].name) == 0);
}

/* Takes the names from the header. Returns false if it cannot be used. */
static bool
read_header(struct test *t, const struct csv_oracle *o,
    const struct csv_record *rec)
{
	const char *p = o->p + o->begin;
	const size_t n = o->end - o->begin;
	bool good = n <= CSV_HEADER_MAX && csv_oracle_is_utf8(p, n) &&
	    memchr(p, '\0', n) == NULL &&
	    (memchr(p, '\r', n) == NULL || memchr(p, '\n', n) != NULL);
	size_t at = o->begin;
	struct err e;
	int rc;

	same_place(t, o, rec);
	if (rec->line.too_long || rec->why != NULL || o->fields > NAMES_MAX)
		return false;
	rc = csv_columns_set(&t->columns, rec->line.data,
	    rec->line.len, rec->field, rec->n, t->d.quote, &e);
	MUST((rc == 0) == good);
	for (size_t i = 0; good && i < o->fields; i++)
		same_name(t, o, i, &at);
	return good;
}

/* Reads the text once. Sets *second to what the oracle was before the record
 * number k, or the last one. */
static void
compare_all(struct test *t, size_t k, struct csv_oracle *second)
{
	struct csv_reader *r;
	struct csv_record rec;
	struct csv_oracle o, before;
	struct err e;
	bool go_on = true;

	csv_oracle_start(&o, &t->d, t->in.p, t->in.n);
	MUST(csv_reader_open(&r, &t->in, &t->d, t->max, &e) == 0);
	for (size_t i = 0; go_on; i++) {
		before = o;
		go_on = read_next(r, &rec) == CSV_ITEM;
		MUST(go_on == csv_oracle_next(&o));
		if (go_on && i <= k)
			*second = before;
		if (go_on && i == 0)
			go_on = read_header(t, &o, &rec);
		else if (go_on)
			same_record(t, &o, &rec);
	}
	csv_reader_close(r);
}

/* Reads from a place on, as a child of --jobs does. */
static void
compare_from(struct test *t, struct csv_oracle *o)
{
	struct csv_reader *r;
	struct csv_record rec;
	struct err e;
	bool more = true;

	if (o->skip > 0 || o->at == 0)
		return;
	MUST(csv_reader_open(&r, &t->in, &t->d, t->max, &e) == 0);
	MUST(csv_reader_seek(r, o->at, o->lines, &e) == 0);
	while (more) {
		more = read_next(r, &rec) == CSV_ITEM;
		MUST(more == csv_oracle_next(o));
		if (more)
			same_record(t, o, &rec);
	}
	csv_reader_close(r);
}

static size_t
expand(char *text, const uint8_t *data, size_t n, bool has_runs)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < TEXT_MAX - RUN; i++) {
		const size_t run =
		    has_runs && (data[i] == 1 || data[i] == 2) ? RUN : 1;

		memset(text + len, run == 1 ? data[i] :
		    data[i] == 1 ? 'x' : '\n', run);
		len += run;
	}
	return len;
}

static void
read_settings(struct test *t, const uint8_t *data)
{
	static const char delimiters[] = ",;\t|", quotes[] = "\"'\0\"";
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 4096, 100000,
	    SIZE_MAX };
	static const size_t longest[] = { 1000, 40, 70000, SIZE_MAX / 8 };

	t->d = (struct csv_dialect){ .delimiter = delimiters[data[0] & 3],
	    .quote = quotes[data[0] >> 2 & 3], .skip = data[0] >> 4 & 1,
	    .comment = data[0] & 0x20 ? "#!" : NULL, .comment_len = 2,
	    .null = data[0] & 0x80 ? "" : data[0] & 0x40 ? "NA" : NULL };
	t->d.null_len = t->d.null != NULL ? strlen(t->d.null) : 0;
	t->max = longest[data[1] & 3];
	t->in.piece = pieces[data[1] >> 2 & 7];
	t->in.waits = (data[1] & 0x20) != 0;
	t->in.seekable = (data[1] & 0x40) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(TEXT_MAX);
	struct test t = { .field = malloc(TEXT_MAX) };
	struct csv_oracle second = { 0 };

	MUST(text != NULL && t.field != NULL);
	if (n < SETTINGS)
		goto out;
	read_settings(&t, data);
	t.in.n = expand(text, data + SETTINGS, n - SETTINGS,
	    (data[1] & 0x80) != 0);
	t.in.p = text;
	/* A pipe cannot be read twice. A record that does not fit into the
	 * window is read in another way there. */
	t.in.seekable |= t.in.n >= LINES_KEPT;
	csv_columns_init(&t.columns);
	csv_json_init(&t.json, t.max < TEXT_MAX ? t.max : 8 * (size_t)TEXT_MAX);
	t.json.d = &t.d;
	t.json.columns = &t.columns;
	t.json.tail = "}";
	t.json.tail_len = 1;
	compare_all(&t, data[2], &second);
	if (t.in.seekable)
		compare_from(&t, &second);
	csv_json_release(&t.json);
	csv_columns_release(&t.columns);
out:
	free(t.field);
	free(text);
	return 0;
}
