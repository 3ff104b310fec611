/* Fuzz target that compares the splitter of JSON texts with jansson: it finds
 * the same records, with the same values.  However the text is cut into pieces,
 * the records and the fault are the same.  The first byte of the input chooses
 * where the records are.  jansson ignores a raw NUL after a number or a word,
 * so texts with a NUL are not compared. */
#include "fuzz.h"
#include "oracle.h"

#include "document/splitter.h"

#include <string.h>

enum { RECORDS_MAX = 4096, LONG_RECORD = 1000 };

struct text {
	const char *p;
	size_t left, piece;     /* piece: bytes of one read */
};

/* What the splitter has made of a text. */
struct found {
	enum split_next end;
	enum walk_fault_kind kind;
	uint64_t at;
	size_t n;
	uint64_t offset[RECORDS_MAX], bytes[RECORDS_MAX];
};

static ssize_t
read_piece(void *self, char *p, size_t n, struct err *e)
{
	struct text *t = self;

	(void)e;
	n = n < t->piece ? n : t->piece;
	n = n < t->left ? n : t->left;
	memcpy(p, t->p, n);
	t->p += n;
	t->left -= n;
	return (ssize_t)n;
}

static void
split(struct found *f, const struct walk_conf *c, const char *text, size_t n,
    size_t piece)
{
	struct text t = { text, n, piece };
	const struct lines_reader r = { read_piece, &t };
	struct splitter *s;
	struct line l;
	struct err e;

	memset(f, 0, sizeof(*f));
	MUST(splitter_open(&s, c, LONG_RECORD, &e) == 0);
	for (;;) {
		f->end = splitter_next(s, &l, &e);
		if (f->end == SPLIT_MORE) {
			MUST(splitter_read(s, r, &e) == 0);
			continue;
		}
		if (f->end != SPLIT_RECORD)
			break;
		MUST(l.offset + l.bytes <= n && l.number == f->n + 1);
		MUST(l.too_long == (l.bytes > LONG_RECORD));
		MUST(memcmp(l.data, text + l.offset, l.len) == 0);
		MUST(f->n < RECORDS_MAX);
		f->offset[f->n] = l.offset;
		f->bytes[f->n++] = l.bytes;
	}
	if (f->end == SPLIT_BROKEN) {
		f->kind = splitter_fault(s)->kind;
		f->at = splitter_fault(s)->at;
		MUST(f->at <= n);
	} else {
		MUST(f->end == SPLIT_END);
	}
	splitter_close(s);
}

static void
same_value(const struct oracle_item *a, const struct oracle_item *b)
{
	MUST(a->type == b->type && a->n == b->n && a->d == b->d);
	if (a->type == 's')
		MUST(memcmp(a->p, b->p, a->n) == 0);
}

/* The record is the value that jansson has read as item k. */
static size_t
same_record(const struct oracle *o, size_t k, const char *p, size_t n)
{
	struct oracle record;
	size_t i = 0;

	MUST(k < o->n);
	MUST(oracle_read(&record, p, n));
	for (; i < record.n; i++) {
		MUST(k + i < o->n);
		same_value(&o->item[k + i], &record.item[i]);
	}
	oracle_release(&record);
	return o->item[k].next;
}

/* The first item of the array whose elements are the records; 0 if the whole
 * value is the record. SIZE_MAX: there are none. */
static size_t
find_records(const struct oracle *o, const struct walk_conf *c)
{
	size_t found = SIZE_MAX;

	if (c->records == NULL && o->item[0].type == 'a')
		return 1;
	if (c->records == NULL && !c->is_answer)
		return 0;
	if (o->item[0].type != 'o')
		return SIZE_MAX;
	for (size_t i = 1; i < o->n; i = o->item[i + 1].next) {
		const struct oracle_item *name = &o->item[i];

		if (o->item[i + 1].type == 'a' && (c->records == NULL ||
		    (name->n == 1 && *name->p == c->records[1])))
			found = found == SIZE_MAX ? i + 2 : 0;
	}
	return found == 0 ? SIZE_MAX : found;
}

static void
compare(const struct found *f, const struct walk_conf *c, const char *text,
    size_t n)
{
	struct oracle o = { 0 };
	size_t k, end;

	if (f->kind == WALK_INSIDE || memchr(text, '\0', n) != NULL ||
	    !oracle_read(&o, text, n)) {
		oracle_release(&o);
		return;
	}
	k = find_records(&o, c);
	if (k == SIZE_MAX) {
		MUST(c->records != NULL || f->end == SPLIT_BROKEN);
	} else {
		MUST(f->end == SPLIT_END);
		end = k == 0 ? o.n : o.item[k - 1].next;
		for (size_t i = 0; i < f->n; i++)
			k = same_record(&o, k, text + f->offset[i],
			    (size_t)f->bytes[i]);
		MUST(k == end);
	}
	oracle_release(&o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct walk_conf confs[] = {
	    { .records = NULL },
	    { .records = "/a" },
	    { .is_answer = true },
	    { .is_answer = true, .wanted = { "/n", "/m/0/k" } },
	};
	static const size_t pieces[] = { 1, 2, 3, 7, 64 };
	struct found *whole = malloc(sizeof(*whole));
	struct found *cut = malloc(sizeof(*cut));
	const struct walk_conf *c;
	char *text = malloc(n);

	MUST(whole != NULL && cut != NULL && (text != NULL || n == 0));
	if (n == 0 || n > RECORDS_MAX)
		goto out;
	c = &confs[data[0] % (sizeof(confs) / sizeof(confs[0]))];
	memcpy(text, data + 1, n - 1);
	split(whole, c, text, n - 1, SIZE_MAX);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		split(cut, c, text, n - 1, pieces[i]);
		MUST(memcmp(whole, cut, sizeof(*whole)) == 0);
	}
	compare(whole, c, text, n - 1);
out:
	free(text);
	free(cut);
	free(whole);
	return 0;
}
