#include "new_files.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "common/stdout_reader.h"
#include "control/checkpoints.h"
#include "control/files.h"
#include "control/statefile.h"
#include "cursor/cursor.h"
#include "file/file_format.h"
#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What earlier runs with the same checkpoint have stored about the files.
 * Owns:  all texts; known_files_release() frees them.
 * Use:   add each file, then sort once, then find files. */

struct known_file {
	char *path, *mtime;
	char *sha256;           /* of the first `size` bytes, or NULL */
	int64_t size;
	bool is_broken;
};

struct known_files {
	struct known_file *v;
	size_t n, cap;
};

static void
free_file(struct known_file *f)
{
	free(f->path);
	free(f->mtime);
	free(f->sha256);
}

/* A callback for file_state_each; `self` is a struct known_files. */
static int
known_files_add(void *self, const struct file_state *f, struct err *e)
{
	struct known_files *k = self;
	struct known_file new = { .size = f->size,
	    .is_broken = f->is_broken };

	if (k->n == k->cap) {
		size_t cap = k->cap > 0 ? 2 * k->cap : 64;
		struct known_file *v = realloc(k->v, cap * sizeof(*v));

		if (v == NULL)
			return err_nomem(e);
		k->v = v;
		k->cap = cap;
	}
	new.path = strdup(f->path);
	new.mtime = strdup(f->mtime);
	if (f->sha256 != NULL)
		new.sha256 = strdup(f->sha256);
	if (new.path == NULL || new.mtime == NULL ||
	    (f->sha256 != NULL && new.sha256 == NULL)) {
		free_file(&new);
		return err_nomem(e);
	}
	k->v[k->n++] = new;
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	const struct known_file *f = a, *g = b;

	return strcmp(f->path, g->path);
}

static const struct known_file *
known_files_find(const struct known_files *k, char *path)
{
	const struct known_file wanted = { .path = path };

	return k->n == 0 ? NULL : bsearch(
	    &wanted, k->v, k->n, sizeof(wanted), compare_paths);
}

static void
known_files_release(struct known_files *k)
{
	for (size_t i = 0; i < k->n; i++)
		free_file(&k->v[i]);
	free(k->v);
	*k = (struct known_files){ 0 };
}

struct new_files {
	const struct extract_opts *o;
	char *stored;           /* the value of the checkpoint, or NULL */
	int64_t version;
	struct known_files known;
	uint64_t count;         /* files that were read to their end, in this
				 * run and before: the checkpoint's value */
	struct buf done;        /* files since the last mark: a JSON array that
				 * is not closed */
	struct buf broken;      /* the broken files of this run, in the same
				 * form */
	bool is_blocked;        /* a part of a broken file was written: no mark
				 * may follow */
	uint64_t written_before;        /* records and rejects before the file
				 * that is being read */
	uint64_t written_at_mark;       /* the same count before the last
					 * mark */
	int64_t marked_at;      /* clock_ms() of the last mark */
};

/* Notes that the file cannot be read, with the cause. */
static int
note_why(struct file_entry *f, const struct err *why, struct err *e)
{
	if ((f->why = malloc(sizeof(*f->why))) == NULL)
		return err_nomem(e);
	*f->why = *why;
	return 0;
}

/* Returns 1 if the file must be read or its error reported, 0 if it must not be
 * read, -1 on failure. A file that has changed is an error with --changed
 * fail. */
static int
judge_file(const struct new_files *n, struct file_entry *f, struct err *e)
{
	const struct known_file *k = known_files_find(&n->known, f->name);
	const size_t len = strlen(f->name);
	char mtime[FILE_MTIME];
	struct err why;

	if (f->why != NULL)
		return 1;
	if (utf8_valid_length(f->name, len) != len) {
		(void)err_set(&why, ERR_CONFIG, false, "%s: the name is not "
		    "UTF-8, so --new-files cannot store it: rename the file",
		    f->name);
		return note_why(f, &why, e) == -1 ? -1 : 1;
	}
	f->was_done = k != NULL && !k->is_broken;
	f->was_broken = k != NULL && k->is_broken;
	if (!new_files_note_version(f) || k == NULL || k->is_broken)
		return 1;
	file_mtime_format(mtime, f->version.mtime);
	if (f->version.size == (uint64_t)k->size &&
	    strcmp(mtime, k->mtime) == 0)
		return 0;
	if (n->o->changed == NULL || strcmp(n->o->changed, "fail") != 0)
		return 1;
	(void)err_set(&why, ERR_DATA, false, "%s: has changed since it was "
	    "read: it had %lld bytes and the time %s: give --changed reread "
	    "to read it again", f->name, (long long)k->size, k->mtime);
	return note_why(f, &why, e) == -1 ? -1 : 1;
}

/* Orders entries of the list by their names, and those of the same name by
 * their places in the list. */
static int
compare_entries(const void *a, const void *b)
{
	struct file_entry *const *f = a, *const *g = b;
	const int order = strcmp((*f)->name, (*g)->name);

	return order != 0 ? order : (*f > *g) - (*f < *g);
}

/* A file that is named more than once is read only once, at its first place in
 * the list. */
static int
drop_repeated(struct file_list *l, struct err *e)
{
	struct file_entry **v = calloc(l->n + 1, sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < l->n; i++)
		v[i] = &l->v[i];
	qsort(v, l->n, sizeof(*v), compare_entries);
	for (size_t i = 1; i < l->n; i++)
		v[i]->is_left_out = strcmp(v[i]->name, v[i - 1]->name) == 0;
	free(v);
	return 0;
}

/* Moves the files that an earlier run found broken to the end of the list.
 * Removes the files that are left out. */
static int
arrange_files(struct file_list *l, struct err *e)
{
	struct file_entry *v = calloc(l->n + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return err_nomem(e);
	for (int broken = 0; broken <= 1; broken++)
		for (size_t i = 0; i < l->n; i++)
			if (!l->v[i].is_left_out &&
			    l->v[i].was_broken == (broken == 1))
				v[n++] = l->v[i];
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].is_left_out) {
			free(l->v[i].name);
			free(l->v[i].why);
		}
	free(l->v);
	l->v = v;
	l->cap = l->n + 1;
	l->n = n;
	return 0;
}

/* Removes the files that need not be read from the list, and moves those that
 * an earlier run found broken to its end. */
static int
new_files_choose(struct new_files *n, struct file_list *l, struct err *e)
{
	int rc;

	if (drop_repeated(l, e) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		struct file_entry *f = &l->v[i];

		if (f->is_left_out)
			continue;
		if ((rc = judge_file(n, f, e)) == -1)
			return -1;
		f->is_left_out = rc == 0;
	}
	return arrange_files(l, e);
}

/* A mark is written at the latest when the list of files has this many bytes.
 * So marks stay short, even if no file has a record. */
enum { LIST_DUE = 256 << 10 };

static const char one_file[] = " file", files[] = " files";

/* Reads the value of the checkpoint: the number of files that were read to
 * their end, for example "12 files". With its unit it cannot be mistaken for
 * the value of a cursor. */
static int
parse_file_count(struct new_files *n, struct err *e)
{
	const char *p = n->stored != NULL ? n->stored : "0 files";
	char *end;

	errno = 0;
	n->count = strtoull(p, &end, 10);
	if (*p >= '0' && *p <= '9' && errno == 0 &&
	    (strcmp(end, files) == 0 || strcmp(end, one_file) == 0))
		return 0;
	return err_set(e, ERR_CONFIG, false, "checkpoint %s: its value "
	    "'%.200s' is not of --new-files: give another name to "
	    "--checkpoint", n->o->checkpoint, p);
}

int
new_files_open(struct new_files **out, const struct extract_opts *o,
    struct file_list *l, struct err *e)
{
	struct new_files *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return err_nomem(e);
	n->o = o;
	n->marked_at = clock_ms();
	buf_init(&n->done, SIZE_MAX / 4);
	buf_init(&n->broken, SIZE_MAX / 4);
	if (cursor_stored_files(o, &n->stored, &n->version, known_files_add,
	    &n->known, e) == -1 ||
	    parse_file_count(n, e) == -1) {
		new_files_free(n);
		return -1;
	}
	if (n->known.n > 0)
		qsort(n->known.v, n->known.n, sizeof(*n->known.v),
		    compare_paths);
	if (new_files_choose(n, l, e) == -1) {
		new_files_free(n);
		return -1;
	}
	*out = n;
	return 0;
}

void
new_files_free(struct new_files *n)
{
	if (n == NULL)
		return;
	known_files_release(&n->known);
	buf_release(&n->done);
	buf_release(&n->broken);
	free(n->stored);
	free(n);
}

/* Appends the file to a list, which is a JSON array without its closing
 * bracket. */
static int
put_file_json(struct buf *b, const struct file_entry *f, struct err *e)
{
	char mtime[FILE_MTIME];

	file_mtime_format(mtime, f->version.mtime);
	buf_str(b, b->len == 0 ? "[{" : ",{");
	json_put_text(b, "path", f->name);
	json_put_int(b, "size", (int64_t)f->version.size);
	json_put_text(b, "mtime", mtime);
	if (f->sha256[0] != '\0')
		json_put_text(b, "sha256", f->sha256);
	buf_char(b, '}');
	return buf_check(b, e);
}

static uint64_t
count_written(const struct stage *s)
{
	return stage_counts(s)->out + stage_counts(s)->rejected;
}

/* Writes a checkpoint mark with the files that were read to their end since the
 * last mark. Does nothing if there are no such files, or if marks are
 * blocked. */
static int
write_files_mark(struct new_files *n, struct stage *s, struct err *e)
{
	char value[32];
	struct checkpoint_mark m = { .name = n->o->checkpoint,
	    .value = value, .from = n->stored,
	    .version = (uint64_t)n->version };
	int rc;

	if (n->done.len == 0 || n->is_blocked)
		return 0;
	(void)snprintf(value, sizeof(value), "%" PRIu64 "%s", n->count,
	    n->count == 1 ? one_file : files);
	buf_char(&n->done, ']');
	m.files = buf_text(&n->done);
	if (buf_check(&n->done, e) == -1)
		return -1;
	rc = stage_checkpoint(s, &m, e);
	buf_clear(&n->done);
	n->written_at_mark = count_written(s);
	n->marked_at = clock_ms();
	return rc;
}

int
new_files_begin_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, struct err *e)
{
	n->written_before = count_written(s);
	return f->was_broken ? write_files_mark(n, s, e) : 0;
}

int
new_files_end_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, struct err *e)
{
	if (f->has_nothing_new)
		return 0;
	if (put_file_json(&n->done, f, e) == -1)
		return -1;
	n->count += !f->was_done;
	if (count_written(s) - n->written_at_mark < MARK_RECORDS &&
	    clock_ms() - n->marked_at < MARK_MS && n->done.len < LIST_DUE)
		return 0;
	return write_files_mark(n, s, e);
}

/* Adds the file to the list of broken files if it could be opened, but is cut,
 * damaged or not text of its format. If some of its records were already
 * written, no further checkpoint mark may be written in this run. */
int
new_files_fail_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, const struct err *why, struct err *e)
{
	struct broken_files list;

	n->is_blocked |= count_written(s) != n->written_before;
	if (f->why != NULL || (why->code != ERR_IO && why->code != ERR_DATA))
		return 0;
	if (n->broken.len > 0)
		n->broken.len--;
	if (put_file_json(&n->broken, f, e) == -1)
		return -1;
	buf_char(&n->broken, ']');
	list = (struct broken_files){ .json = buf_text(&n->broken),
	    .version = (uint64_t)n->version };
	return buf_check(&n->broken, e) == -1 ? -1 :
	    stage_set_broken_files(s, &list, e);
}

int
new_files_finish(struct new_files *n, struct stage *s, struct err *e)
{
	stage_set_version(s, (uint64_t)n->version);
	return write_files_mark(n, s, e);
}

bool
new_files_reads_tails(const struct extract_opts *o)
{
	return o->changed != NULL && strcmp(o->changed, "tail") == 0;
}

bool
new_files_are_whole(const struct extract_opts *o)
{
	return o->new_files && o->source_file != NULL &&
	    !new_files_reads_tails(o);
}

int
new_files_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e)
{
	const char *other = cursor_find_option(o);

	if (!o->new_files)
		return o->changed == NULL ? 0 : err_set(e, ERR_USAGE,
		    false, "--changed needs --new-files");
	if (o->changed != NULL && strcmp(o->changed, "reread") != 0 &&
	    strcmp(o->changed, "fail") != 0 && !new_files_reads_tails(o))
		return err_set(e, ERR_USAGE, false, "--changed %s: give "
		    "reread, tail or fail", o->changed);
	if (o->checkpoint == NULL)
		return err_set(e, ERR_USAGE, false, "--new-files needs "
		    "--checkpoint NAME, under which the files are stored");
	for (size_t i = 0; i < n; i++)
		if (strcmp(uri[i], "-") == 0 || scheme_is_present(uri[i]))
			return err_set(e, ERR_USAGE, false, "%s: --new-files "
			    "needs files, directories or globs", uri[i]);
	if (other == NULL && o->each != NULL)
		other = "--each";
	if (other != NULL)
		return err_set(e, ERR_USAGE, false, "%s cannot be used with "
		    "--new-files: remove one of them", other);
	if (checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
		-1)
		return -1;
	return cursor_check_store(o, e);
}

/* --changed tail: reads only the lines that were added to a file. The hash of
 * the first bytes shows whether the content that was read before is
 * unchanged. */

enum { BLOCK = 64 << 10 };

/* Reads n bytes at the offset `at`. Fails if the file has become shorter. */
static int
read_block(const struct file_entry *f, int fd, char *p, size_t n, uint64_t at,
    struct err *e)
{
	ssize_t got;

	for (size_t done = 0; done < n; done += (size_t)got) {
		if (stop_signal() != 0)
			return fail_interrupted(e);
		got = pread(fd, p + done, n - done, (off_t)(at + done));
		if (got == -1 && errno == EINTR)
			got = 0;
		else if (got == -1)
			return err_errno(e, ERR_IO, f->name);
		else if (got == 0)
			return err_set(e, ERR_IO, false, "%s: the file has "
			    "become shorter while it was read: run the command "
			    "again", f->name);
	}
	return 0;
}

/* Lowers *size to the end of the last complete line: a program may still be
 * writing the line after it. */
static int
cut_to_lines(const struct file_entry *f, int fd, uint64_t *size, struct err *e)
{
	char block[BLOCK];
	const char *lf;

	while (*size > 0) {
		size_t n = *size < BLOCK ? (size_t)*size : BLOCK;

		if (read_block(f, fd, block, n, *size - n, e) == -1)
			return -1;
		lf = memrchr(block, '\n', n);
		*size -= lf == NULL ? n : n - (size_t)(lf - block) - 1;
		if (lf != NULL)
			break;
	}
	return 0;
}

struct hashes {
	struct hash *old, *all;         /* old: hash of the bytes that an
					 * earlier run has read; all: hash of
					 * the whole file */
	uint64_t old_size, lines;       /* lines: line feeds in the first
					 * old_size bytes */
};

/* Sets f->sha256 to the hash of the first `size` bytes, and `old` to the hash
 * of those that an earlier run has read, whose lines it counts. */
static int
hash_file(struct file_entry *f, int fd, uint64_t size, struct hashes *h,
    char old[HASH_HEX], struct err *e)
{
	char block[BLOCK];
	size_t n, left;
	int rc = 0;

	h->old = hash_new();
	h->all = hash_new();
	if (h->old == NULL || h->all == NULL)
		rc = err_nomem(e);
	for (uint64_t at = 0; rc == 0 && at < size; at += n) {
		n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
		rc = read_block(f, fd, block, n, at, e);
		if (rc != 0)
			break;
		/* Of the block, `left` bytes were read by an earlier run. */
		left = at >= h->old_size ? 0 : h->old_size - at < n ?
		    (size_t)(h->old_size - at) : n;
		hash_add(h->all, block, n);
		hash_add(h->old, block, left);
		for (size_t i = 0; i < left; i++)
			h->lines += block[i] == '\n';
	}
	if (rc == 0) {
		hash_finish(h->old, old);
		hash_finish(h->all, f->sha256);
		return 0;
	}
	hash_free(h->old);
	hash_free(h->all);
	return -1;
}

/* True if lines at the end of the file can be read without those before them:
 * CSV or NDJSON in UTF-8, not compressed. */
static bool
has_plain_lines(const struct extract_opts *o, const char *path)
{
	static const char *const names[] = { "csv", "tsv", "ndjson", "jsonl" };
	struct file_format f;

	file_format_of(&f, o, path);
	if (o->encoding != NULL || f.compression != COMPRESSION_NONE)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == f.len &&
		    strncasecmp(names[i], f.name, f.len) == 0)
			return true;
	return false;
}

/* With --changed tail: limits *g to the lines that were added to the file since
 * the last run. If the lines cannot be told from earlier ones, *g stays the
 * whole file. */
static int
new_files_find_tail(const struct new_files *n, struct file_entry *f, int fd,
    struct input_given *g, struct err *e)
{
	const struct known_file *k = f->was_done ?
	    known_files_find(&n->known, f->name) : NULL;
	struct hashes h = { 0 };
	char old[HASH_HEX];

	if (!has_plain_lines(n->o, f->name))
		return 0;
	if (cut_to_lines(f, fd, &g->size, e) == -1)
		return -1;
	g->has_whole_lines = true;
	h.old_size = k != NULL && (uint64_t)k->size <= g->size ?
	    (uint64_t)k->size : 0;
	if (hash_file(f, fd, g->size, &h, old, e) == -1)
		return -1;
	f->version.size = g->size;
	if (k == NULL)
		return 0;
	if (k->sha256 == NULL || (uint64_t)k->size > g->size ||
	    strcmp(k->sha256, old) != 0) {
		err_warnf("etl-extract", "%s: %s: the file is read again as a "
		    "whole", f->name, k->sha256 == NULL ?
		    "it was read without --changed tail before" :
		    "its earlier content has changed");
		return 0;
	}
	g->start = h.old_size;
	g->lines_before = h.lines;
	f->has_nothing_new = g->start == g->size;
	return 0;
}

bool
new_files_note_version(struct file_entry *f)
{
	struct stat st;

	if (stat(f->name, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	file_version_of(&f->version, &st);
	return true;
}

/* Opens with O_NONBLOCK: without it, open(2) of a FIFO would wait for a
 * writer. */
int
new_files_open_file(const struct new_files *n, struct file_entry *f,
    bool is_child, struct input_given *g, struct err *e)
{
	struct file_version now;
	struct stat st;

	*g = (struct input_given){
	    .fd = open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
	if (g->fd == -1)
		return err_errno(e, ERR_INPUT, f->name);
	if (fstat(g->fd, &st) == -1)
		return err_errno(e, ERR_IO, f->name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, false, "%s: is not a regular "
		    "file: --new-files reads only regular files", f->name);
	file_version_of(&now, &st);
	if (is_child && !file_version_is_same(&now, &f->version))
		return -1;      /* the parent reads it */
	f->version = now;
	g->size = now.size;
	return new_files_reads_tails(n->o) ?
	    new_files_find_tail(n, f, g->fd, g, e) : 0;
}
