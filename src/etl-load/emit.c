#include "emit.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "db/table.h"
#include "images.h"
#include "json/number.h"
#include "json/write.h"
#include "loader.h"
#include "phase.h"
#include "stream/line_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
is_left_out(const struct column *c, bool generated)
{
	return c->generated && !c->identity && !generated;
}

/* Appends an expression with which PostgreSQL makes the JSON object, because
 * only PostgreSQL knows how to write each type as JSON. */
static void
put_pg_row(struct buf *b, const struct table *t, bool generated,
    const char *image)
{
	const char *comma = "";

	buf_str(b, "(SELECT pg_catalog.row_to_json(\"etl.x\") FROM (SELECT ");
	for (size_t i = 0; i < t->n; i++) {
		if (is_left_out(&t->columns[i], generated))
			continue;
		buf_str(b, comma);
		image_put_value(b, DB_POSTGRESQL, &t->columns[i], image, i);
		buf_printf(b, " AS %s", t->columns[i].quoted);
		comma = ", ";
	}
	buf_str(b, ") AS \"etl.x\")::text");
}

/* Fails with ERR_CONFIG if the lines of --emit rows would look like marks. */
static int
emit_check_column(const struct table *t, bool generated, struct err *e)
{
	size_t i = 0;

	while (i < t->n && is_left_out(&t->columns[i], generated))
		i++;
	if (i == t->n || strcmp(t->columns[i].name, "@etl") != 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: --emit rows cannot "
	    "write rows that begin with the column @etl: the next program "
	    "would take them for marks; give --emit changes, or another first "
	    "column to the table", t->name);
}

/* The query returns deleted rows first: a program that applies the changes in
 * this order can then insert rows with the same values in unique columns. */
static void
emit_put_query(
    struct buf *b, enum db_kind kind, const struct table *t, bool generated)
{
	bool lite = kind == DB_SQLITE;

	buf_str(b, "SELECT CASE WHEN i.before IS NULL THEN 'INSERT' "
	    "WHEN i.after IS NULL THEN 'DELETE' ELSE 'UPDATE' END, ");
	if (lite) {
		buf_str(b, "i.after, i.before");
	} else {
		put_pg_row(b, t, generated, "i.after");
		buf_str(b, ", ");
		put_pg_row(b, t, generated, "i.before");
	}
	buf_printf(b, " FROM %s.etl_load_images AS i WHERE i.before %s "
	    "i.after ORDER BY CASE WHEN i.after IS NULL THEN 0 "
	    "WHEN i.before IS NULL THEN 2 ELSE 1 END, i.key",
	    lite ? "temp" : "pg_temp", lite ? "IS NOT" : "IS DISTINCT FROM");
}

/* Appends a value of an SQLite image as JSON. `text` begins with a letter for
 * the type (see db_add_image_sql()). A blob or a text that is not valid UTF-8
 * is written as hexadecimal digits. */
static void
put_tagged(struct buf *b, const struct buf *text)
{
	const char *p = text->data;

	if (*p == 'i')
		buf_add(b, p + 1, text->len - 1);
	else if (*p == 'r')
		number_put_real(b, strtod(p + 1, NULL));
	else if (*p == 't')
		json_put_string(b, p + 1, text->len - 1);
	else {
		buf_str(b, "\"\\\\x");
		buf_add(b, p + 1, text->len - 1);       /* hex digits */
		buf_char(b, '"');
	}
}

static int
put_sqlite_value(struct buf *b, const struct json *j, uint32_t i,
    struct buf *text, struct err *e)
{
	if (j->tok[i].type == JSON_NULL) {
		buf_str(b, "null");
		return 0;
	}
	buf_clear(text);
	json_unescape(text, j, i);
	(void)buf_text(text);
	if (buf_check(text, e) == -1)
		return -1;
	put_tagged(b, text);
	return 0;
}

static int
put_sqlite_row(struct buf *b, const struct table *t, bool generated,
    const struct json *j, struct err *e)
{
	const char *comma = "";
	struct buf text;
	int rc = 0;

	buf_init(&text, SIZE_MAX / 4);
	buf_char(b, '{');
	for (size_t i = 0; i < t->n && rc == 0; i++) {
		const struct column *c = &t->columns[i];

		if (is_left_out(c, generated))
			continue;
		buf_str(b, comma);
		json_put_string(b, c->name, strlen(c->name));
		buf_char(b, ':');
		rc = put_sqlite_value(b, j, (uint32_t)i + 1, &text, e);
		comma = ",";
	}
	buf_char(b, '}');
	buf_release(&text);
	return rc;
}

static int
emit_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    bool generated, struct db_value text, struct err *e)
{
	bool lite = kind == DB_SQLITE;
	struct json_fault f = { 0 };
	struct json j = { 0 };
	int rc = 0;

	if (json_scan(&j, text.p, text.len, lite ? 2 : 1, JSON_LAST, &f) == -1)
		rc = f.nomem ? err_nomem(e) : err_set(e, ERR_DATA, false,
		    "--emit: table %s: a row that the load has changed cannot "
		    "be written as JSON: %s; nothing of this batch was "
		    "loaded", t->name, f.why);
	else if (!lite)
		json_put_compact(b, &j, 0);
	else if (j.n != t->n + 1)
		rc = err_bug(e, "--emit: an image has other columns");
	else
		rc = put_sqlite_row(b, t, generated, &j, e);
	json_release(&j);
	return rc == -1 ? -1 : buf_check(b, e);
}

enum { IN_MEMORY = 256 << 10 };

/* The lines that one try of a batch has made. The first ones are in a temporary
 * file if they were too many for memory; the last ones are in `b`. */
struct lines_of_try {
	struct buf b;
	int fd;                 /* -1: none */
	off_t size;
	uint64_t n;
};

struct emit {
	struct stage *out;      /* writes the stream */
	struct stage_conf conf;
	char *stream;           /* its name */
	bool started, rows;
	struct lines_of_try try[2];
	int next;               /* the element that finish() fills; the
	                         * other one has the lines of the last COMMIT
	                         * that was sent */
};

int
emit_check(const struct load_opts *o, struct err *e)
{
	static const char *const words[] = { "changes", "rows", NULL };

	return o->emit == NULL ? 0 :
	    suggest_choice("--emit", o->emit, words, e);
}

void
emit_close(struct loader *l)
{
	struct emit *m = l->emit;

	if (m == NULL)
		return;
	stage_close(m->out);
	free(m->stream);
	for (int i = 0; i < 2; i++) {
		buf_release(&m->try[i].b);
		if (m->try[i].fd != -1)
			(void)close(m->try[i].fd);
	}
	free(m);
	l->emit = NULL;
}

int
emit_open(struct loader *l, const struct stdfd *fds, struct err *e)
{
	struct emit *m;

	if (l->o->emit == NULL)
		return 0;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return err_nomem(e);
	l->emit = m;
	m->rows = strcmp(l->o->emit, "rows") == 0;
	for (int i = 0; i < 2; i++) {
		m->try[i].fd = -1;
		buf_init(&m->try[i].b, SIZE_MAX / 4);
	}
	m->conf = (struct stage_conf){ .name = "load", .source = true,
		.fds = fds };
	if (!l->absent && m->rows && emit_check_column(l->tables->target.table,
	    m->rows, e) == -1)
		return -1;
	return stage_open(&m->out, &m->conf, e);
}

/* Begins the output stream, with the name of the input stream. If the input is
 * plain, the output is plain too. The checkpoint marks of the input are not
 * copied: their versions belong to this database, and the database that loads
 * the output counts versions of its own. */
static int
start_stream_once(struct loader *l, struct err *e)
{
	struct emit *m = l->emit;
	const struct mark *b = l->marked ? stage_begin_mark(l->stage) : NULL;

	if (m->started)
		return 0;
	m->started = true;
	if (b != NULL) {
		m->stream = strdup(b->stream != NULL ? b->stream : "load");
		if (m->stream == NULL)
			return err_nomem(e);
		m->conf.stream = m->stream;
	}
	return stage_begin_source(m->out, e);
}

/* Writes the lines in memory to the temporary file. Does nothing if they are
 * few. */
static int
write_large(struct lines_of_try *t, struct err *e)
{
	if (t->b.len < IN_MEMORY)
		return 0;
	if (t->fd == -1 && (t->fd = temp_file_open(e)) == -1)
		return -1;
	if (fd_write_all(t->fd, t->b.data, t->b.len) == -1)
		return err_errno(e, ERR_IO, "temporary file");
	t->size += (off_t)t->b.len;
	buf_clear(&t->b);
	return 0;
}

/* Appends a change as a line of JSON. In a DELETE the member `data` is the old
 * row, because there is no new one. */
static int
put_change(struct loader *l, struct buf *b, const struct db_rows *r,
    struct err *e)
{
	const struct table *t = l->tables->target.table;
	struct db_value operation = db_column(r, 0);
	bool inserted = *operation.p == 'I', deleted = *operation.p == 'D';

	buf_str(b, "{\"operation\":\"");
	buf_add(b, operation.p, operation.len);
	buf_str(b, "\",\"data\":");
	if (emit_put_row(b, db_kind(l->db), t, false,
	    db_column(r, deleted ? 2 : 1), e) == -1)
		return -1;
	if (!inserted) {
		buf_str(b, ",\"before\":");
		if (emit_put_row(b, db_kind(l->db), t, false, db_column(r, 2),
		    e) == -1)
			return -1;
	}
	buf_str(b, "}\n");
	return buf_check(b, e);
}

static int
put_line(struct loader *l, const struct db_rows *r, struct err *e)
{
	struct emit *m = l->emit;
	struct lines_of_try *t = &m->try[m->next];

	if (!m->rows) {
		if (put_change(l, &t->b, r, e) == -1)
			return -1;
	} else {
		if (*(const char *)db_column(r, 0).p == 'D')
			return 0;
		if (emit_put_row(&t->b, db_kind(l->db),
		    l->tables->target.table, true, db_column(r, 1), e) == -1)
			return -1;
		buf_char(&t->b, '\n');
	}
	t->n++;
	return write_large(t, e);
}

static int
forget_lines(struct lines_of_try *t, struct err *e)
{
	buf_clear(&t->b);
	t->n = 0;
	if (t->size == 0)
		return 0;
	t->size = 0;
	return ftruncate(t->fd, 0) == -1 || lseek(t->fd, 0, SEEK_SET) == -1 ?
	    err_errno(e, ERR_IO, "temporary file") : 0;
}

static bool
wants(const struct loader *l)
{
	return l->emit != NULL;
}

/* Reads the changes inside the transaction. */
static int
finish(struct loader *l, struct err *e)
{
	struct emit *m = l->emit;
	const char *text;
	struct db_rows *r;
	struct buf sql;
	int rc;

	/* --create may have made the table after emit_open(). */
	if (forget_lines(&m->try[m->next], e) == -1 ||
	    (m->rows && emit_check_column(l->tables->target.table, m->rows,
	    e) == -1))
		return -1;
	buf_init(&sql, SIZE_MAX / 4);
	emit_put_query(
	    &sql, db_kind(l->db), l->tables->target.table, m->rows);
	text = buf_finish(&sql, e);
	rc = text == NULL ? -1 : db_query(l->db, &r, text, NULL, 0, e);
	buf_release(&sql);
	if (rc == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = put_line(l, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

/* Keeps the lines of this try: a try after the COMMIT that is sent now collects
 * its own lines. */
static void
keep_lines(struct loader *l)
{
	l->emit->next = !l->emit->next;
}

static int
write_file(struct emit *m, const struct lines_of_try *t, struct err *e)
{
	char part[16 << 10];
	off_t at = 0;
	ssize_t n;

	while (at < t->size) {
		n = pread(t->fd, part, sizeof(part), at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(e, ERR_IO, "temporary file");
		if (stage_emit_lines(m->out, part, (size_t)n, 0, e) == -1)
			return -1;
		at += n;
	}
	return 0;
}

/* Begins the error message with `state`, which says what was committed. Leaves
 * the error ERR_GONE as it is: the reader of the output has exited, and the
 * program then ends without a message. */
static int
fail_after_commit(const char *state, struct err *e)
{
	if (e->code != ERR_GONE)
		err_prefix(e, "%s", state);
	return -1;
}

static int
fail_after_batch(const struct loader *l, struct err *e)
{
	char state[160];

	(void)snprintf(state, sizeof(state), "the batch was committed, and "
	    "with it the input up to record %" PRIu64 ", but --emit could not "
	    "write all rows of the batch", l->totals.in + l->sums.in);
	return fail_after_commit(state, e);
}

static int
write_committed(struct loader *l, struct err *e)
{
	struct emit *m = l->emit;
	struct lines_of_try *t = &m->try[!m->next];

	if (start_stream_once(l, e) == -1 || write_file(m, t, e) == -1 ||
	    stage_emit_lines(m->out, t->b.data, t->b.len, t->n, e) ==
	    -1 || stage_flush(m->out, e) == -1)
		return fail_after_batch(l, e);
	return forget_lines(t, e);
}

const struct phase emit_phase = {
	.wants = wants, .finish = finish, .send = keep_lines,
	.committed = write_committed,
};

int
emit_finish(struct loader *l, struct err *e)
{
	if (l->emit == NULL)
		return 0;
	return start_stream_once(l, e) == -1 ||
	    stage_end(l->emit->out, e) == -1 ?
	    fail_after_commit("all records were loaded, but --emit could not "
	    "write the end of its stream", e) : 0;
}

void
emit_write_failed(struct loader *l, const struct err *e)
{
	if (l->emit != NULL && l->emit->out != NULL)
		stage_fail(l->emit->out, e);
}
