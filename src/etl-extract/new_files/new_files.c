#include "new_files/new_files_impl.h"

#include "base/clock.h"
#include "control/statefile.h"
#include "cursor/cursor.h"
#include "cursor/cursor_stored.h"
#include "json/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	known_files_sort(&n->known);
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
