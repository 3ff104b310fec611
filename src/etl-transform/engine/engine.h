/* What runs a filter on a record.  One file per engine, one const struct.
 * Owns:    compile() fills *self; free() frees it, NULL allowed.
 * Borrows: conf until free(); the record and the outcome during run().
 * Gives:   run() adds each output and LF to o->out, or rejects:
 *          outcome_reject(). Neither is a drop.
 * Fails:   compile() as a value; run() never, but it may not come back, or
 *          take its process along (with ENGINE_NOMEM where memory is out). */
#ifndef TRANSFORM_ENGINE_H
#define TRANSFORM_ENGINE_H

#include "base/buf.h"
#include "base/opt.h"
#include "json/scan.h"

enum { ENGINE_NOMEM = 71 };     /* exit status */

enum arg_kind { ARG_TEXT, ARG_JSON, ARG_FILE };

struct arg {
	enum arg_kind kind;
	const char *name, *value;
};

struct engine_conf {
	const char *text;               /* the filter */
	bool std;                       /* names of the module without etl:: */
	bool lossy;                     /* --lossy-numbers */
	struct opt_list dirs;           /* -L */
	const struct arg *args;
	size_t nargs;
	size_t max_record;              /* no output is longer */
};

struct outcome {
	struct buf out;
	char code[32];                  /* "" where it is no reject */
	struct buf message, pointer;
};

struct engine {
	int (*compile)(void **self, const struct engine_conf *c,
	    struct err *e);
	void (*run)(void *self, const struct json *j, struct outcome *o);
	void (*free)(void *self);
};

extern const struct engine engine_jq;

void outcome_init(struct outcome *o);
void outcome_release(struct outcome *o);
void outcome_clear(struct outcome *o);
void outcome_reject(struct outcome *o, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What fits, for a message or pointer: NUL would end it, so it is spelled. */
void outcome_text(struct buf *b, const char *p, size_t n);

#endif
