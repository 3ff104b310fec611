#include "stream/reject.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/compression.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/scan.h"
#include "json/write.h"
#include "stream/line_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Texts in a reject line are cut: a JSON Pointer, URI or key after POINTER_MAX
 * bytes, any other text after TEXT_MAX. The backslashes with which JSON escapes
 * characters are not counted. */
enum { TEXT_MAX = 2048, POINTER_MAX = 16384, SPARE = 64 << 10 };

void
reject_who_init(struct reject_who *w, const char *stage)
{
	char uuid[UUID_TEXT];

	*w = (struct reject_who){
		.run = getenv("ETL_RUN"), .pipeline = getenv("ETL_PIPELINE")
	};
	if (w->run != NULL && w->run[0] == '\0')
		w->run = NULL;
	if (w->pipeline != NULL && w->pipeline[0] == '\0')
		w->pipeline = NULL;
	uuid_new(uuid);
	(void)snprintf(w->process, sizeof(w->process), "%.47s",
	    w->run != NULL ? w->run : uuid);
	random_hex(w->tail, sizeof(w->tail) - 1);
	(void)snprintf(w->stage, sizeof(w->stage), "%s", stage);
}

void
reject_fill(struct reject *r, const struct line *l)
{
	if (r->raw == NULL) {
		r->raw = l->data;
		r->raw_len = l->len;
		if (l->too_long) {
			r->bytes = l->bytes;
			r->sha256 = l->sha256;
		}
	}
	if (r->origin.kind == NULL)
		r->origin = (struct origin){
		    .kind = l->file != NULL ? "file" : "stdin",
		    .uri = l->file, .line = l->number, .offset = l->offset,
		    .has_offset = true };
}

/* Appends a string member. Control characters and bytes that are not UTF-8 are
 * written as readable escapes. */
static void
put_visible_text(struct buf *b, const char *name, const char *s, size_t n)
{
	struct buf shown;
	bool plain = utf8_valid_length(s, n) == n;

	for (size_t i = 0; plain && i < n; i++)
		plain = (unsigned char)s[i] >= ' ' && s[i] != 0x7f;
	if (plain) {
		json_put_member(b, name, s, n);
		return;
	}
	buf_init(&shown, 16 * (size_t)POINTER_MAX);
	text_show(&shown, s, n);
	json_put_member(b, name, shown.data, shown.len);
	b->failed |= shown.failed;
	buf_release(&shown);
}

/* Appends a string member, or nothing if s is NULL. Cuts a text after at most
 * `max` bytes, at the end of a UTF-8 character. */
static void
put_cut_text(struct buf *b, const char *name, const char *s, size_t max)
{
	size_t n;

	if (s == NULL)
		return;
	n = strnlen(s, max + 1);
	if (n > max)
		for (n = max; n > max - 4 && (s[n] & 0xc0) == 0x80; n--)
			;
	put_visible_text(b, name, s, n);
}

/* Appends a number; nothing if it is 0. */
static void
put_number(struct buf *b, const char *name, uint64_t n)
{
	if (n > 0)
		json_put_int(b, name, (int64_t)n);
}

static void
put_place_members(struct buf *b, const struct origin *o)
{
	json_put_text(b, "kind", o->kind);
	put_cut_text(b, "uri", o->uri, POINTER_MAX);
	put_number(b, "line", o->line);
	if (o->has_offset)
		json_put_int(b, "offset", (int64_t)o->offset);
	put_number(b, "page", o->page);
	put_number(b, "index", o->index);
	put_cut_text(b, "key", o->key, POINTER_MAX);
}

static void
put_origin(struct buf *b, const struct origin *o)
{
	if (o->kind == NULL && o->members == NULL)
		return;
	json_put_raw(b, "origin", "{", 1);
	if (o->members != NULL)
		buf_str(b, o->members);
	else
		put_place_members(b, o);
	if (o->columns != NULL)
		json_put_raw(b, "columns", o->columns, strlen(o->columns));
	buf_char(b, '}');
}

bool
reject_raw_is_text(const char *p, size_t n)
{
	size_t more = 0;

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			more += 5;
		else if (p[i] == '"' || p[i] == '\\')
			more++;
	}
	return more <= n + SPARE && utf8_valid_length(p, n) == n;
}

/* Appends the bytes of the record. If they are only its start, also appends its
 * length and its hash. */
static void
put_raw(struct buf *b, const struct reject *r)
{
	if (r->raw == NULL)
		return;
	if (reject_raw_is_text(r->raw, r->raw_len)) {
		json_put_member(b, "raw", r->raw, r->raw_len);
	} else {
		json_put_raw(b, "raw_base64", "\"", 1);
		base64_put(b, r->raw, r->raw_len);
		buf_char(b, '"');
	}
	put_number(b, "bytes", r->bytes);
	if (r->sha256 != NULL)
		json_put_text(b, "sha256", r->sha256);
}

/* Begins the line with the members that identify the reject. */
static void
put_identity(struct buf *b, struct reject_who *w, const char *id)
{
	char occurrence[160];

	(void)snprintf(occurrence, sizeof(occurrence), "%s/%s.%s/%llu",
	    w->process, w->stage, w->tail, (unsigned long long)++w->n);
	buf_char(b, '{');
	json_put_text(b, "@etl", "reject");
	json_put_int(b, "v", 1);
	json_put_text(b, "id", id);
	put_cut_text(b, "occurrence", occurrence, sizeof(occurrence));
	put_cut_text(b, "run", w->run, TEXT_MAX);
	put_cut_text(b, "pipeline", w->pipeline, TEXT_MAX);
	put_cut_text(b, "stream", w->stream, TEXT_MAX);
	json_put_text(b, "stage", w->stage);
}

int
reject_put_line(struct buf *out, struct reject_who *w, const struct reject *r,
    struct err *e)
{
	const struct reject_place place = { .pipeline = w->pipeline,
		.stream = w->stream, .stage = w->stage, .table = r->target };
	char id[HASH_HEX], at[CLOCK_STAMP];

	if (r->id == NULL && reject_id_record(id, &place, r->raw,
	    r->raw != NULL ? r->raw_len : 0, r->sha256, e) == -1)
		return -1;
	put_identity(out, w, r->id != NULL ? r->id : id);
	put_cut_text(out, "target", r->target, TEXT_MAX);
	json_put_text(out, "code", r->code);
	put_cut_text(out, "message", r->message, TEXT_MAX);
	put_cut_text(out, "pointer", r->pointer, POINTER_MAX);
	put_origin(out, &r->origin);
	put_raw(out, r);
	if (r->retryable)
		json_put_raw(out, "retryable", "true", 4);
	put_cut_text(out, "sqlstate", r->sqlstate, TEXT_MAX);
	put_number(out, "http_status",
	    r->http_status > 0 ? (uint64_t)r->http_status : 0);
	clock_stamp(at);
	json_put_text(out, "at", w->at != NULL ? w->at : at);
	buf_char(out, '}');
	return buf_check(out, e);
}

enum { CAUSES = 20, SHAPE = 160, EXAMPLE = 80 };

struct cause {
	uint64_t count;
	char code[32];
	char shape[SHAPE];      /* message without its variable parts */
	char message[SHAPE];    /* message of the first record */
	uint64_t line;          /* its line in the input, or 0 */
	char example[EXAMPLE];  /* the start of that record */
	size_t example_len;
	bool cut;               /* the record is longer than example */
};

struct causes {
	struct cause v[CAUSES]; /* in the order of their first records */
	size_t n;
	uint64_t others;        /* rejects of causes beyond the first CAUSES */
};

int
causes_new(struct causes **c, struct err *e)
{
	*c = calloc(1, sizeof(**c));
	return *c == NULL ? err_nomem(e) : 0;
}

void
causes_free(struct causes *c)
{
	free(c);
}

/* Returns the cause with this code and the shape of this message (the message
 * without its variable parts). Adds it if it is new. Returns NULL if there is
 * no room for it. */
static struct cause *
add_cause(struct causes *c, const char *code, const char *message)
{
	char shape[SHAPE];
	struct cause *new;

	message_shape(shape, sizeof(shape), message);
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].code, code) == 0 &&
		    strcmp(c->v[i].shape, shape) == 0)
			return &c->v[i];
	if (c->n == CAUSES)
		return NULL;
	new = &c->v[c->n++];
	(void)snprintf(new->code, sizeof(new->code), "%s", code);
	(void)snprintf(new->shape, sizeof(new->shape), "%s", shape);
	(void)snprintf(new->message, sizeof(new->message), "%s", message);
	return new;
}

void
causes_add(struct causes *c, const char *code, const char *message,
    const char *example, size_t len, uint64_t line)
{
	struct cause *k = add_cause(c, code, message != NULL ? message : "");

	if (k == NULL) {
		c->others++;
		return;
	}
	if (k->count++ > 0)
		return;
	k->line = line;
	k->example_len = text_cut_length(example, len, sizeof(k->example));
	k->cut = k->example_len < len;
	if (k->example_len > 0)
		memcpy(k->example, example, k->example_len);
}

/* Appends the count and the cause, with its example in brackets. */
static void
put_cause(struct buf *b, const struct cause *k)
{
	buf_printf(b, "%llu ", (unsigned long long)k->count);
	text_show(b, k->code, strlen(k->code));
	if (k->message[0] != '\0') {
		buf_str(b, ": ");
		text_show(b, k->message, strlen(k->message));
	}
	if (k->line == 0 && k->example_len == 0)
		return;
	buf_str(b, " (");
	if (k->line > 0)
		buf_printf(b, "line %llu", (unsigned long long)k->line);
	if (k->line > 0 && k->example_len > 0)
		buf_str(b, ": ");
	text_show(b, k->example, k->example_len);
	buf_str(b, k->cut ? "...)" : ")");
}

/* Of the causes that are not yet marked in `shown`, returns the one with the
 * most rejects, and marks it. Returns NULL if all are marked. */
static const struct cause *
next_cause(const struct causes *c, bool shown[CAUSES])
{
	size_t most = 0;
	bool any = false;

	for (size_t i = 0; i < c->n; i++)
		if (!shown[i] && (!any || c->v[i].count > c->v[most].count)) {
			most = i;
			any = true;
		}
	shown[most] = true;
	return any ? &c->v[most] : NULL;
}

void
causes_put(struct buf *b, const struct causes *c, const char *separator,
    size_t most)
{
	bool shown[CAUSES] = { false };
	uint64_t others = c->others;
	size_t start = b->len, before;
	const struct cause *k;

	while ((k = next_cause(c, shown)) != NULL) {
		before = b->len;
		if (before > start)
			buf_str(b, separator);
		put_cause(b, k);
		if (b->len - start > most) {
			b->len = before;
			others += k->count;
		}
	}
	if (others > 0)
		buf_printf(b, "%s%llu others", b->len > start ? separator : "",
		    (unsigned long long)others);
}

/* If the first rejected record is line 1 of the input and looks like another
 * format than NDJSON, such as CSV, appends the name of the format and advice on
 * how to convert it. */
static void
causes_advise_format(struct buf *b, const struct causes *c)
{
	const struct cause *first = &c->v[0];

	if (c->n > 0)
		input_advise_format(b, first->code, first->line, first->example,
		    first->example_len);
}

/* If an example may be a mark that a filter has turned into a record, appends
 * advice on how to run the filter. */
static void
causes_advise_filter(struct buf *b, const struct causes *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].cut && input_may_be_mark(c->v[i].example,
		    c->v[i].example_len)) {
			input_advise_filter(b, c->v[i].line);
			return;
		}
}

enum { REJECT_FD = 3 };

struct reject_file {
	int fd;
	bool own;               /* opened here, so closed here */
	bool regular, pipe;     /* the kind of file */
	bool whole;             /* the last line in the file ends in LF */
	char name[];
};

/* Opens or creates the file, to append to it. */
static int
open_append(const char *file, struct err *e)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return err_set(e, ERR_CREATE, false, "--rejects %s: %s", file,
		    strerror(errno));
	return fd;
}

/* Sets O_APPEND on a regular file, because several stages may have opened
 * it, as in a 3>f | b 3>f, and must not overwrite each other's lines. */
static void
set_file_kind(struct reject_file *a)
{
	struct stat st;
	int flags = fcntl(a->fd, F_GETFL);

	if (fstat(a->fd, &st) == -1)
		return;
	a->regular = S_ISREG(st.st_mode);
	a->pipe = S_ISFIFO(st.st_mode);
	if (a->regular && flags != -1)
		(void)fcntl(a->fd, F_SETFL, flags | O_APPEND);
}

int
reject_file_open(struct reject_file **out, const char *file,
    const struct stdfd *s, struct err *e)
{
	const char *name = file != NULL ? file : "descriptor 3";
	struct reject_file *a;
	int fd = REJECT_FD;

	*out = NULL;
	if (file == NULL && (s == NULL || !s->rejects))
		return 0;
	if (file != NULL && (fd = open_append(file, e)) == -1)
		return -1;
	if ((a = calloc(1, sizeof(*a) + strlen(name) + 1)) == NULL) {
		if (file != NULL)
			(void)close(fd);
		return err_nomem(e);
	}
	a->fd = fd;
	a->own = file != NULL;
	memcpy(a->name, name, strlen(name) + 1);
	set_file_kind(a);
	*out = a;
	return 0;
}

bool
reject_file_is(const struct reject_file *a, const struct stat *st)
{
	struct stat mine;

	return a != NULL && fstat(a->fd, &mine) == 0 &&
	    is_same_file(&mine, st);
}

void
reject_file_close(struct reject_file *a)
{
	if (a == NULL)
		return;
	if (a->own)
		(void)close(a->fd);
	free(a);
}

/* EPIPE is a failure like any other here: it means that the reader of the
 * rejects has exited. Only if standard output reports EPIPE, a program ends
 * without a message. */
static int
set_write_error(const struct reject_file *a, struct err *e)
{
	return err_set(e, ERR_IO, errno == ENOMEM, "%s: cannot write a "
	    "reject: %s", a->name, strerror(errno));
}

/* Takes (F_WRLCK) or releases (F_UNLCK) a lock of fcntl(2). On Linux such a
 * lock also works on a pipe, between all processes that have the pipe open. The
 * kernel releases the lock if its holder exits. */
static int
set_lock(const struct reject_file *a, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(a->fd, F_SETLKW, &l) == -1)
		if (errno != EINTR || stop_signal() != 0)
			return -1;
	return 0;
}

/* Writes the line to a pipe under a lock. */
static int
write_pipe(const struct reject_file *a, const char *p, size_t n)
{
	int rc;

	/* Without the lock write only a line of up to PIPE_BUF bytes: the
	 * kernel does not mix such a line with the bytes of others. After EINTR
	 * write nothing, because a stop signal came. */
	if (set_lock(a, F_WRLCK) == -1 && (errno == EINTR || n > PIPE_BUF))
		return -1;
	rc = fd_write_all(a->fd, p, n);
	(void)set_lock(a, F_UNLCK);
	return rc;
}

/* Called before the first write: if the last line of the file has no LF,
 * appends one. If two programs do this at the same time, the file gets a blank
 * line, which readers skip. */
static int
end_torn_line(struct reject_file *a)
{
	if (a->regular && !a->whole && fd_lacks_newline(a->fd) &&
	    fd_write_line(a->fd, "\n", 1) == -1)
		return -1;
	a->whole = true;
	return 0;
}

int
reject_file_append(struct reject_file *a, const char *line_with_lf, size_t len,
    struct err *e)
{
	int rc = end_torn_line(a);

	if (rc == 0)
		rc = a->pipe ? write_pipe(a, line_with_lf, len) :
		    fd_write_line(a->fd, line_with_lf, len);
	return rc == -1 ? set_write_error(a, e) : 0;
}

enum {
	PERCENT = 50,
	SEEN = 20, SEEN_AT_END = 5,     /* how many records are needed to judge
	                                 * a percentage */
	CAUSES_BYTES = 3328             /* maximum length of all causes: the
	                                 * message must fit into a struct err */
};

int
reject_limit_parse(struct limit *l, const char *text, struct err *e)
{
	*l = (struct limit){ .percent = PERCENT, .by_percent = true };
	return text == NULL ? 0 : limit_parse(l, "--max-rejects", text, e);
}

/* A percentage counts only after enough records. */
static bool
has_seen_enough(const struct limit *l, const struct reject_tally *t)
{
	return !l->by_percent || t->seen >= (t->ended ? SEEN_AT_END : SEEN);
}

bool
reject_limit_exceeded(
    const struct limit *l, const struct reject_tally *t)
{
	return has_seen_enough(l, t) && t->rejected > limit_allowed(l, t->seen);
}

int
reject_check_limit(const struct limit *l, const struct reject_tally *t,
    const struct causes *c, const char *stored, struct err *e)
{
	struct buf advice, causes;

	if (!reject_limit_exceeded(l, t))
		return 0;
	buf_init(&advice, 1024);
	buf_init(&causes, 64 << 10);
	if (t->rejected == t->seen)
		causes_advise_format(&advice, c);
	if (t->plain)
		causes_advise_filter(&advice, c);
	causes_put(&causes, c, "\n  ", CAUSES_BYTES);
	(void)err_set(e, ERR_LIMIT, false, "%llu of %llu records were "
	    "rejected, more than --max-rejects %llu%s%s; %s:\n  %s",
	    (unsigned long long)t->rejected, (unsigned long long)t->seen,
	    l->by_percent ? l->percent : (unsigned long long)l->count,
	    l->by_percent ? "%" : "", buf_text(&advice), stored,
	    buf_text(&causes));
	buf_release(&advice);
	buf_release(&causes);
	return -1;
}

void
reject_warn_all(const char *program, const struct limit *l,
    const struct reject_tally *t, const struct causes *c)
{
	struct buf b;

	if (has_seen_enough(l, t) || l->percent == 100 ||
	    t->rejected == 0 || t->rejected < t->seen)
		return;
	buf_init(&b, 64 << 10);
	causes_put(&b, c, "; ", CAUSES_BYTES);
	causes_advise_format(&b, c);
	if (t->plain)
		causes_advise_filter(&b, c);
	if (t->rejected == 1)
		err_warnf(program, "the only record was rejected: %s",
		    buf_text(&b));
	else
		err_warnf(program, "all %llu records were rejected: %s",
		    (unsigned long long)t->rejected, buf_text(&b));
	buf_release(&b);
}

enum { SHORT_LINE = 80 };

static bool
starts_with(const char *p, size_t n, const char *magic, size_t len)
{
	return n >= len && memcmp(p, magic, len) == 0;
}

/* Returns true for a line of CSV or TSV: a text that has the separator, but no
 * "{". */
static bool
is_separated_by(const char *p, size_t n, char separator)
{
	return memchr(p, separator, n) != NULL && memchr(p, '{', n) == NULL &&
	    memchr(p, '\0', n) == NULL;
}

/* The line starts with "{". Returns true if it looks like the first line of a
 * JSON object over several lines: it is only "{", or it ends in a comma. The
 * end of a line of 80 bytes or more is ignored, because the caller may have cut
 * it. */
static bool
begins_object(const char *p, size_t n)
{
	return n == 1 || (n < SHORT_LINE && p[n - 1] == ',');
}

static const char *
guess_text_format(const char *p, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", *p) != NULL && *p != '\0') {
		p++;
		n--;
	}
	if (n == 0)
		return NULL;
	if (*p == '[')
		return "a JSON array: read it with "
		    "etl-extract --format json";
	if (*p == '{')
		return begins_object(p, n) ?
		    "JSON over several lines: read it with "
		    "etl-extract --format json" : NULL;
	if (*p == '<')
		return n >= 5 && strncasecmp(p, "<?xml", 5) == 0 ?
		    "XML, not JSON" : "HTML: the answer of a web server that "
		    "has no JSON at this address, perhaps a login page";
	if (is_separated_by(p, n, '\t'))
		return "TSV: read it with etl-extract --format tsv";
	if (is_separated_by(p, n, ','))
		return "CSV: read it with etl-extract --format csv";
	if (is_separated_by(p, n, ';'))
		return "CSV with semicolons: read it with "
		    "etl-extract --format csv --delimiter ';'";
	return NULL;
}

/* Recognizes a file format by its first bytes. Those of zip are from its
 * APPNOTE 4.3.7. FF FE and FE FF are the byte order marks of UTF-16; EF BB BF
 * is that of UTF-8. */
static const char *
guess_format(const char *p, size_t n)
{
	if (starts_with(p, n, "PK\x03\x04", 4))
		return "a zip archive: decompress it with unzip -p";
	if (starts_with(p, n, "\xff\xfe", 2) ||
	    starts_with(p, n, "\xfe\xff", 2))
		return "UTF-16: convert it with iconv -f UTF-16 -t UTF-8";
	if (starts_with(p, n, "\xef\xbb\xbf", 3)) {
		p += 3;
		n -= 3;
	}
	return guess_text_format(p, n);
}

void
input_advise_format(struct buf *b, const char *code, uint64_t line,
    const char *p, size_t n)
{
	static const char what[] = "; the input is not NDJSON (one JSON object "
	    "on each line), it looks like ";
	const struct compressor *z = compression_find(p, n);
	const char *advice;

	if (line != 1 || (strcmp(code, "parse") != 0 &&
	    strcmp(code, "type") != 0 && strcmp(code, "encoding") != 0))
		return;
	if (strcmp(code, "type") == 0 && n > 0 && *p == '{')
		return; /* the line is an object: the filter of etl-transform
			 * has made a value that is no object of it */
	if (z != NULL)
		buf_printf(b, "%s%s: decompress it with %s -dc", what, z->name,
		    z->program);
	else if ((advice = guess_format(p, n)) != NULL)
		buf_printf(b, "%s%s", what, advice);
}

/* Returns true if a filter such as {id, title} may have copied the value from a
 * mark. The value is then null, because the mark has no such member, or it is a
 * uuid, as the id of the stream. */
static bool
may_be_mark_value(const struct json *j, const struct json_tok *value)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *p = j->text + value->at + 1;

	if (value->type != JSON_STRING || value->len != sizeof(form) + 1)
		return value->type == JSON_NULL;
	for (size_t i = 0; form[i] != '\0'; i++)
		if ((form[i] == '-') != (p[i] == '-'))
			return false;
	return true;
}

bool
input_may_be_mark(const char *p, size_t n)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	bool nulls = false, others = false;

	if (n > 0 && json_scan(&j, p, n, 2, JSON_LAST, &f) == 0 &&
	    j.tok[0].type == JSON_OBJECT)
		for (uint32_t i = 1; i < j.n; i = j.tok[i + 1].next) {
			nulls |= j.tok[i + 1].type == JSON_NULL;
			others |= !may_be_mark_value(&j, &j.tok[i + 1]);
		}
	json_release(&j);
	return nulls && !others;
}

void
input_advise_filter(struct buf *b, uint64_t line)
{
	buf_printf(b, "; the record of line %llu may be a mark that a filter "
	    "such as jq has changed: run that filter as \"etl-via COMMAND\"",
	    (unsigned long long)line);
}
