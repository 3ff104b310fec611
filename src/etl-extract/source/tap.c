#include "common/stdout_reader.h"
#include "singer/message.h"
#include "singer/tap.h"
#include "source/source.h"

#include <stdlib.h>

struct tap_source {
	struct tap tap;
	struct singer messages;
	struct tap_state state;
	bool has_paused;        /* SOURCE_PAUSE came before this read */
	bool is_over;           /* the tap has exited, and its status is 0 */
	bool has_ended;         /* the last SOURCE_MARK was returned */
	bool has_failed;        /* the next call returns the failure */
	struct err failure;
};

static void
tap_source_close(void *self)
{
	struct tap_source *t = self;

	if (t == NULL)
		return;
	tap_close(&t->tap);
	singer_release(&t->messages);
	tap_state_release(&t->state);
	free(t);
}

static int
tap_source_open(void **self, struct extract *x, const char *name, struct err *e)
{
	struct tap_source *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	child_init(&t->tap.child);
	t->tap.guard.pipe = -1;
	if (singer_init(&t->messages, x, name, e) == -1 ||
	    tap_state_init(&t->state, &x->opts, e) == -1 ||
	    tap_start(&t->tap, x->tap, t->state.stored,
		x->opts.max_record + SINGER_ENVELOPE, e) == -1) {
		tap_source_close(t);
		return -1;
	}
	*self = t;
	return 0;
}

/* Sets *n to SOURCE_ITEM if the line is a record or a reject, to SOURCE_MARK if
 * a mark is due, or to SOURCE_FAILED. Returns false instead if the line needs
 * no action, so that the next line must be read. */
static bool
take_tap_line(struct tap_source *t, struct item *it, enum source_next *n,
    struct err *e)
{
	struct singer_value value;

	*n = SOURCE_FAILED;
	/* Only the last line may have no LF. If the tap has failed, this line
	 * may be cut off, so it must not be used. */
	if (it->line.torn && tap_check_end(&t->tap, e) == -1)
		return true;
	t->is_over = it->line.torn;
	switch (singer_read(&t->messages, it, &value, e)) {
	case SINGER_ITEM:
		tap_state_note_record(&t->state);
		*n = SOURCE_ITEM;
		return true;
	case SINGER_STATE:
		if (tap_state_hold(&t->state, value.p, value.n, e) == -1)
			return true;
		*n = SOURCE_MARK;
		return tap_state_wait_ms(&t->state) == 0;
	case SINGER_NOTHING:
		return false;
	default:
		return true;
	}
}

/* Called if the tap has written nothing for the moment. The first call returns
 * SOURCE_PAUSE, so that the caller flushes the records. The second call
 * waits. */
static bool
wait_for_line(struct tap_source *t, enum source_next *n, struct err *e)
{
	const int ms = tap_state_wait_ms(&t->state);

	*n = ms == 0 ? SOURCE_MARK : SOURCE_PAUSE;
	if (ms == 0)
		return true;
	t->has_paused = !t->has_paused;
	if (t->has_paused)
		return true;
	*n = SOURCE_FAILED;
	return tap_wait(&t->tap, ms, e) == -1;
}

/* Called after the last message. Requests a last mark: write_mark() writes the
 * held STATE or, if none is held, sets only the version of the checkpoint. */
static enum source_next
end_messages(struct tap_source *t, struct err *e)
{
	if ((!t->is_over && tap_check_end(&t->tap, e) == -1) ||
	    singer_warn_missing(&t->messages, e) == -1)
		return SOURCE_FAILED;
	if (t->state.has_open_records && t->state.o->checkpoint != NULL)
		err_warnf("etl-extract", "%s: records came after the last "
		    "STATE: the next run reads them again", t->messages.name);
	t->has_ended = true;
	return SOURCE_MARK;
}

/* Reads a line. Sets *n to what tap_source_next() must return, or returns false
 * if the next line must be read first. */
static bool
take_message(struct tap_source *t, struct item *it, enum source_next *n,
    struct err *e)
{
	*it = (struct item){ .kind = "singer", .uri = t->messages.name };
	*n = SOURCE_FAILED;
	switch (lines_next(t->tap.child.lines, &it->line, 0, e)) {
	case LINES_ONE:
		t->has_paused = false;
		return take_tap_line(t, it, n, e);
	case LINES_WAIT:
		return wait_for_line(t, n, e);
	case LINES_END:
		*n = end_messages(t, e);
		return true;
	case LINES_STOP:
		(void)fail_interrupted(e);
		return true;
	default:
		err_prefix(e, "%s", t->messages.name);
		return true;
	}
}

/* If reading fails, first returns SOURCE_MARK if a STATE is held: all records
 * that it covers have been read before the failure. The next call then
 * fails. */
static enum source_next
tap_source_next(void *self, struct item *it, struct err *e)
{
	struct tap_source *t = self;
	enum source_next n;

	if (t->has_failed)
		*e = t->failure;
	if (t->has_failed || t->has_ended)
		return t->has_failed ? SOURCE_FAILED : SOURCE_END;
	while (!take_message(t, it, &n, e))
		continue;
	if (n != SOURCE_FAILED || !t->state.is_held)
		return n;
	t->failure = *e;
	t->has_failed = true;
	return SOURCE_MARK;
}

static int
tap_source_write_mark(void *self, struct stage *s, struct err *e)
{
	struct tap_source *t = self;

	return tap_state_write_mark(&t->state, s, e);
}

const struct source source_tap = {
    .kind = KIND_TAP,
    .open = tap_source_open,
    .next = tap_source_next,
    .close = tap_source_close,
    .write_mark = tap_source_write_mark,
};

/* A file of Singer messages. Its lines are read as those of an NDJSON file. The
 * values of STATE messages are ignored: they are bookmarks of the run of the
 * tap that wrote the file. */
struct singer_file {
	void *lines;            /* of source_ndjson */
	struct singer messages;
	bool is_replay;         /* the file has one replayed message */
};

static void
singer_close(void *self)
{
	struct singer_file *f = self;

	if (f == NULL)
		return;
	source_ndjson.close(f->lines);
	singer_release(&f->messages);
	free(f);
}

/* Raises --max-record while the lines are opened: the line of a RECORD message
 * is longer than the record that it contains. */
static int
open_lines(struct singer_file *f, struct extract *x, const char *path,
    struct err *e)
{
	const uint64_t max_record = x->opts.max_record;
	int rc;

	x->opts.max_record += SINGER_ENVELOPE;
	rc = source_ndjson.open(&f->lines, x, path, e);
	x->opts.max_record = max_record;
	return rc;
}

static int
singer_open(void **self, struct extract *x, const char *path, struct err *e)
{
	struct singer_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	if (singer_init(&f->messages, x, path, e) == -1 ||
	    open_lines(f, x, path, e) == -1) {
		singer_close(f);
		return -1;
	}
	f->is_replay = x->given != NULL;
	*self = f;
	return 0;
}

static enum source_next
singer_next(void *self, struct item *it, struct err *e)
{
	struct singer_file *f = self;
	struct singer_value state;
	enum source_next n;

	while ((n = source_ndjson.next(f->lines, it, e)) == SOURCE_ITEM)
		switch (singer_read(&f->messages, it, &state, e)) {
		case SINGER_ITEM:
			return SOURCE_ITEM;
		case SINGER_FAILED:
			return SOURCE_FAILED;
		default:
			break;
		}
	if (n == SOURCE_END && !f->is_replay &&
	    singer_warn_missing(&f->messages, e) == -1)
		return SOURCE_FAILED;
	return n;
}

static const char *const formats[] = { "singer", NULL };

const struct source source_singer = {
    .kind = KIND_SINGER_FILE,
    .formats = formats,
    .open = singer_open,
    .next = singer_next,
    .close = singer_close,
};
