/* The modes of etl-extract. Each is one loop: run_items() takes an item, the
 * mode uses it, which may need a request, and writes the result.
 * run_sources() writes the records of all SOURCEs to the stream. run_each()
 * makes one HTTP request for each record of standard input (--each), and
 * run_batch() makes one request for several records (--batch-each).
 * run_replay() reads the bytes of letters from a replay on standard input.
 * Borrows: x and the stage, which belong to main(). */
#ifndef EXTRACT_RUN_H
#define EXTRACT_RUN_H

#include "common/extract.h"
#include "raw_record.h"
#include "source/source.h"
#include "stream/stage.h"

int run_sources(struct extract *x, struct stage *s, char *const *uri,
    size_t n, struct err *e);
int run_each(struct extract *x, struct stage *s, struct err *e);
/* Called by run_each(), which first checks the options of --each. */
int run_batch(struct extract *x, struct stage *s, struct err *e);
/* Fails with ERR_USAGE for a wrong value, for options that cannot be given
 * together, and for an option that needs --batch-each. */
int batch_options_check(const struct extract_opts *o, struct err *e);
int run_replay(struct extract *x, struct stage *s, struct err *e);
/* Finds out whether standard input is a replay: a stream that starts with the
 * mark begin of etl-dlq replay, or with the mark failed. The first line stays
 * in standard input, for the source or the stage that reads it. Returns 1 if it
 * is a replay, else 0. A terminal is never a replay. Fails if memory or
 * descriptors are out. */
int replay_is_on_stdin(struct err *e);

/* Where the items come from, and what is done with them. next() and
 * write_mark() are those of a source (source.h). */
struct run {
	enum source_next (*next)(void *from, struct item *it, struct err *e);
	int (*write_mark)(void *from, struct stage *s, struct err *e);
	void *from;
	/* Writes what becomes of the item. Returns 0, or 1 if no further item
	 * is needed. */
	int (*use)(void *self, const struct item *it, struct err *e);
	/* Called before next() may wait for input. NULL: nothing is done. */
	int (*pause)(void *self, struct err *e);
	void *self;             /* the first argument of use() and pause() */
};

enum outcome {
	READ_FAILED = -1,       /* the run cannot go on */
	READ_WHOLE,
	READ_IN_PART            /* next() has failed: *e says why */
};

enum outcome run_items(const struct run *r, struct stage *s, struct err *e);

/* Makes an item of what stage_next() has returned: `got`, and it->line. The
 * item is a record of the stream, or the bytes in a raw mark of a replay, which
 * are valid until the next call. etl-dlq replay writes a letter as a raw mark
 * if its stage has the name extract, and a stage of --each may have this
 * name. */
enum source_next run_stage_item(struct stage *s, enum stage_item got,
    struct raw_record *raw, struct item *it, struct err *e);

#endif
