#include "base/stop.h"
#include "base/text.h"
#include "common/ahead.h"
#include "common/stdout_reader.h"
#include "csv/csv_options.h"
#include "cursor/cursor.h"
#include "file/file_format.h"
#include "file/file_list.h"
#include "item_writer.h"
#include "json/pointer.h"
#include "new_files.h"
#include "run.h"
#include "source/http_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sources {
	const struct extract *x;
	struct stage *stage;
	struct item_writer writer;
	struct new_files *new_files;    /* NULL without --new-files */
	struct file_list list;  /* the names of all sources */
	struct ahead_job **job; /* for each source: of the child that reads it,
				 * or NULL */
	size_t next_ahead;      /* the first source that was not offered to a
				 * child yet */
	uint64_t failed;        /* number of files that could not be read
				 * whole */
	struct err first;       /* the error of the first of them */
};

static int
write_item(void *self, const struct item *it, struct err *e)
{
	struct sources *s = self;

	return item_write(&s->writer, it, e);
}

/* Writes the records so far before a source waits for input. A child gives its
 * file back to this process instead of waiting. */
static int
flush_records(void *self, struct err *e)
{
	struct sources *s = self;

	return s->writer.ahead != NULL ? -1 : stage_flush(s->stage, e);
}

/* Refuses a source file to which the rejects would be appended: etl-extract
 * would read its own rejects as further records, without end. */
static int
check_reject_file(const struct stage *s, const char *uri, struct err *e)
{
	struct stat st;
	int rc = strcmp(uri, "-") == 0 ? fstat(STDIN_FILENO, &st) :
	    stat(uri, &st);

	if (rc == -1 || !stage_reject_file_is(s, &st))
		return 0;
	return err_set(e, ERR_USAGE, false, "%s: the rejects would be written "
	    "into this source and read again as records: write the rejects to "
	    "another file", uri);
}

/* Sets *kind to the kind of the source. With --new-files, a name without a
 * known suffix that does not exist was meant to be a directory. */
static int
find_kind(const struct source **kind, const struct extract_opts *o,
    const char *name, struct err *e)
{
	if (source_choose(kind, o, name, e) == 0)
		return 0;
	if (!o->new_files || o->format != NULL || access(name, F_OK) == 0 ||
	    (errno != ENOENT && errno != ENOTDIR))
		return -1;
	return err_errno(e, ERR_INPUT, name);
}

/* Checks all sources before the first is read, so that a mistyped name ends the
 * run before any record is written. */
static int
check_sources(struct sources *s, struct err *e)
{
	static const char *const newlines[] = { "require", NULL };
	const struct extract_opts *o = &s->x->opts;
	const struct source *kind;
	/* An empty directory may get files of any kind later. */
	unsigned kinds = s->list.n == 0 ? KIND_FILES : 0;

	for (size_t i = 0; i < s->list.n; i++) {
		const struct file_entry *f = &s->list.v[i];

		if (f->why != NULL) {
			kinds |= KIND_FILES;    /* it may be any of them */
			continue;
		}
		if (find_kind(&kind, o, f->name, e) == -1 ||
		    check_reject_file(s->stage, f->name, e) == -1)
			return -1;
		kinds |= kind->kind;
		if (source_is_file_url(o, f->name))
			kinds |= KIND_HTTP_FILE;
	}
	if (source_options_check(o, kinds, e) == -1)
		return -1;
	if (o->records != NULL && !pointer_is_valid(o->records))
		return err_set(e, ERR_USAGE, false, "--records %s: not a JSON "
		    "Pointer, such as /data/items", o->records);
	if (o->final_newline != NULL && suggest_choice("--final-newline",
	    o->final_newline, newlines, e) == -1)
		return -1;
	if (path_member_check("--select-as", o->select_as, e) == -1)
		return -1;
	if (o->encoding != NULL && encoding_check(o->encoding, e) == -1)
		return -1;
	if (path_member_check("--source-file", o->source_file, e) == -1)
		return -1;
	return kinds & KIND_CSV ? csv_options_check(o, e) : 0;
}

/* True if the failure affects only this file: it cannot be opened, or cannot be
 * read to its end. The other files are then still read. */
static bool
concerns_file(const struct source *kind, const struct err *e)
{
	return kind->formats != NULL && stop_signal() == 0 &&
	    e->code != ERR_GONE && e->code != ERR_BUG && !e->transient;
}

/* Opens the source (a URL or a file) and reads all its records. With
 * --checkpoint, the stored checkpoint is read only after the source was opened:
 * cursor_open() may create the database of the checkpoint, and nothing must be
 * created if the options of the source are wrong. */
static enum outcome
read_source(struct sources *s, struct extract *x, const char *uri,
    struct err *e)
{
	struct run run = { .use = write_item, .pause = flush_records,
	    .self = s };
	const struct source *kind;
	enum outcome rc = READ_FAILED;

	if (source_choose(&kind, &x->opts, uri, e) == -1)
		return READ_FAILED;
	s->writer.cut = false;
	run.next = kind->next;
	run.write_mark = kind->write_mark;
	if (kind->open(&run.from, x, uri, e) == -1)
		rc = READ_IN_PART;
	else if (x->opts.cursor_field == NULL ||
	    cursor_open(&x->cursor, &x->opts, e) == 0)
		rc = run_items(&run, s->stage, e);
	/* What is left of a file that was cut must not replace the rows of the
	 * file. */
	if (rc == READ_WHOLE && s->writer.cut) {
		(void)err_set(e, ERR_DATA, false, "%s: the file was cut off: "
		    "its last line has no newline and is no whole record: get "
		    "the whole file", uri);
		rc = READ_IN_PART;
	}
	if (rc == READ_IN_PART && !concerns_file(kind, e))
		rc = READ_FAILED;
	if (rc == READ_WHOLE && x->cursor != NULL &&
	    cursor_finish(x->cursor, s->stage, e) == -1)
		rc = READ_FAILED;
	if (run.from != NULL)
		kind->close(run.from);
	return rc;
}

/* Reads a file behind a URL. */
static enum outcome
read_file_url(struct sources *s, struct extract *x, const char *uri,
    struct err *e)
{
	struct http_file *file;
	struct input_given given;
	enum outcome rc;

	if (stage_flush(s->stage, e) == -1)
		return READ_FAILED;
	if (http_file_open(&file, x, uri, &given, e) == -1)
		return e->transient || !concerns_file(&source_ndjson, e) ?
		    READ_FAILED : READ_IN_PART;
	x->given = &given;
	rc = read_source(s, x, uri, e);
	x->given = NULL;
	http_file_close(file);
	return rc;
}

/* Reads a source of the list. With --new-files it is a file, and is read only
 * up to the size that it has when it is opened. */
static enum outcome
read_entry(struct sources *s, struct extract *x, struct file_entry *f,
    struct err *e)
{
	struct input_given given;
	enum outcome rc;

	if (s->new_files == NULL)
		return source_is_file_url(&x->opts, f->name) ?
		    read_file_url(s, x, f->name, e) :
		    read_source(s, x, f->name, e);
	rc = READ_IN_PART;
	if (new_files_open_file(
		s->new_files, f, s->writer.ahead != NULL, &given, e) == 0) {
		x->given = &given;
		rc = f->has_nothing_new ? READ_WHOLE :
		    read_source(s, x, f->name, e);
		x->given = NULL;
	}
	if (given.fd != -1)
		(void)close(given.fd);
	return rc;
}

/* In a child: reads the file whose number is t->from. */
static void
read_file_in_child(
    void *self, const struct ahead_task *t, struct ahead_output *o)
{
	struct sources *s = self;
	struct extract x = *s->x;
	struct err e;

	x.ahead = NULL;
	x.is_child = true;
	s->writer.ahead = o;
	o->is_done = read_entry(s, &x, &s->list.v[t->from], &e) == READ_WHOLE;
}

/* True if a child may read the whole file. Its records must probably fit into
 * the memory of a child. With names in --types a child reads no file, because
 * these names may need a warning and a child prints nothing. */
static bool
child_may_read(const struct sources *s, struct file_entry *f)
{
	const struct extract_opts *o = &s->x->opts;
	struct file_format format;
	struct stat st;

	if (f->why != NULL || scheme_is_present(f->name) ||
	    (o->types != NULL && strcmp(o->types, "auto") != 0) ||
	    stat(f->name, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (s->new_files != NULL &&
		(new_files_reads_tails(o) ||
		    !new_files_note_version(f))))
		return false;
	file_format_of(&format, o, f->name);
	return st.st_size < (format.compression == COMPRESSION_NONE ?
	    AHEAD_FILE : AHEAD_FILE / 8);
}

/* Lets children read small files, beginning with file i of the list. */
static void
read_files_ahead(struct sources *s, size_t i)
{
	if (s->next_ahead < i)
		s->next_ahead = i;
	for (; s->x->ahead != NULL && s->next_ahead < s->list.n;
	    s->next_ahead++) {
		const struct ahead_task t = { .from = s->next_ahead };

		if (!child_may_read(s, &s->list.v[t.from]))
			continue;
		s->job[t.from] = ahead_start(
		    s->x->ahead, read_file_in_child, s, &t);
		if (s->job[t.from] == NULL)
			return;
	}
}

/* Waits for the child that reads source i, and writes its records. Returns
 * READ_IN_PART if the child has failed. */
static enum outcome
write_child_output(struct sources *s, size_t i, struct err *e)
{
	const struct ahead_output *o = ahead_wait(s->job[i]);
	enum outcome rc = READ_IN_PART;

	if (o != NULL)
		rc = stage_emit_lines(s->stage, o->data, o->len, o->records,
		    e) == 0 ? READ_WHOLE : READ_FAILED;
	ahead_release(s->job[i]);
	return rc;
}

/* Writes the records of source i. If a child was reading the source and has
 * failed, this process reads it itself. If the source fails, remembers the
 * first failure, and if there are several sources, also prints why this one
 * failed. */
static int
write_source(struct sources *s, struct extract *x, size_t i, struct err *e)
{
	struct file_entry *f = &s->list.v[i];
	enum outcome rc = READ_IN_PART;
	struct err why;

	read_files_ahead(s, i + (s->job[i] == NULL));
	if (s->new_files != NULL &&
	    new_files_begin_file(s->new_files, f, s->stage, e) == -1)
		return -1;
	if (s->job[i] != NULL)
		rc = write_child_output(s, i, e);
	if (f->why != NULL)
		*e = *f->why;
	else if (rc == READ_IN_PART)
		rc = read_entry(s, x, f, e);
	if (rc == READ_FAILED)
		return -1;
	if (rc == READ_IN_PART) {
		why = *e;
		if (s->failed++ == 0)
			s->first = why;
		if (s->list.n > 1)
			err_note("etl-extract", why.msg);
		return s->new_files == NULL ? 0 : new_files_fail_file(
		    s->new_files, f, s->stage, &why, e);
	}
	return s->new_files == NULL ? 0 :
	    new_files_end_file(s->new_files, f, s->stage, e);
}

static int
read_all(struct sources *s, struct extract *x, struct err *e)
{
	for (size_t i = 0; i < s->list.n; i++) {
		/* If a child has read the whole file, only this loop checks for
		 * a stop signal. */
		if (stop_signal() != 0)
			return fail_interrupted(e);
		if (write_source(s, x, i, e) == -1)
			return -1;
	}
	if (s->new_files != NULL &&
	    new_files_finish(s->new_files, s->stage, e) == -1)
		return -1;
	if (s->failed == 0 || stage_flush(s->stage, e) == -1)
		return s->failed == 0 ? 0 : -1;
	*e = s->first;
	if (s->list.n > 1)
		err_prefix(e, "%" PRIu64 " of %zu sources could not be read "
		    "to the end, the first of them", s->failed, s->list.n);
	return -1;
}

static bool
accepts_file(const void *opts, const char *path)
{
	return source_accepts_file(opts, path);
}

int
run_sources(struct extract *x, struct stage *stage, char *const *uri,
    size_t n, struct err *e)
{
	struct sources s = { .x = x, .stage = stage };
	int rc = x->opts.singer ? file_list_single(&s.list, uri[0], e) :
	    file_list_expand(&s.list, uri, n, x->opts.recursive,
	    x->opts.new_files,
	    (struct file_filter){ accepts_file, &x->opts }, e);

	item_writer_init(&s.writer, x, stage);
	if (rc == 0)
		rc = check_sources(&s, e);
	if (rc == 0 && x->opts.new_files)
		rc = new_files_open(&s.new_files, &x->opts, &s.list, e);
	if (rc == 0)
		rc = ahead_open(&x->ahead, x->opts.jobs, e);
	s.job = calloc(s.list.n + 1, sizeof(*s.job));
	if (rc == 0)
		rc = s.job == NULL ? err_nomem(e) : read_all(&s, x, e);
	ahead_close(x->ahead);
	x->ahead = NULL;
	free(s.job);
	new_files_free(s.new_files);
	cursor_free(x->cursor);
	x->cursor = NULL;
	file_list_release(&s.list);
	item_writer_release(&s.writer);
	return rc;
}
