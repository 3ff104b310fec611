#include "singer/message.h"
#include "source/source.h"

#include <stdlib.h>

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
