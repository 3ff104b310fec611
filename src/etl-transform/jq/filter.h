/* Runs a filter with libjq. filter_compile() takes 20 ms and more, because
 * libjq also compiles its own functions. Without it, the first filter_run()
 * compiles. Only filter_prepare() opens files and tests whether stderr is a
 * terminal, so all others also work in the sandbox.
 * Owns:    filter_prepare() fills *f; filter_free() frees it and accepts NULL.
 * Borrows: conf until filter_free().
 * Fails:   -1 with *e. filter_run() rejects the record if libjq refuses the
 *          filter, and exits with ENGINE_NOMEM if memory is out. */
#ifndef TRANSFORM_FILTER_H
#define TRANSFORM_FILTER_H

#include "engine/engine.h"
#include "module/times.h"
#include "module/words.h"
#include "module/zone.h"
#include "number/numbers.h"

#include <jv.h>

struct filter;

int filter_prepare(
    struct filter **f, const struct engine_conf *c, struct err *e);
int filter_compile(struct filter *f, struct err *e);
void filter_run(struct filter *f, const struct json *j, struct outcome *o);
void filter_free(struct filter *f);

/* Converts the tokens of a record (struct json) to a value of libjq (jv), and a
 * jv to JSON text as jq -c prints it.
 * Owns:    struct reader: member names seen before, as jv; a scratch buffer.
 * Borrows: v of jvalue_write().
 * Gives:   jvalue_write() returns WRITE_DONE, WRITE_DEEP (nested deeper than a
 *          record may be) or WRITE_VAGUE (see numbers_put_at()). If the buffer
 *          is full, b->failed is set. */

enum { JVALUE_NAMES = 256 };

struct reader {
	jv names[JVALUE_NAMES];
	struct buf text;
	const struct json *j;
	struct numbers *numbers;        /* NULL: numbers are plain doubles */
	bool read_again; /* see numbers_get_double() */
};

enum write_result { WRITE_DONE, WRITE_DEEP, WRITE_VAGUE };

void reader_init(struct reader *r, struct numbers *n);
void reader_release(struct reader *r);
jv jvalue_read(struct reader *r, const struct json *j);

/* Makes a number of the record or of the module etl. The value is marked with
 * `fit`: copies of it keep the mark. A number that libjq computes has the mark
 * NUMBER_HELD. */
jv jvalue_number(double d, enum number_fit fit);
/* The double of a number. If libjq or other code calls jv_number_value() for a
 * number that is marked as NUMBER_LOST or _MIXED, this is noted as a
 * computation, except while it compares two numbers that differ, and for
 * messages. */
double jvalue_double(jv v);
/* Returns true if a computation was noted since the last call. */
bool jvalue_take_computed(void);

/* Makes an object of the variables $NAME that options such as --arg define, and
 * $ARGS. Fails with ERR_USAGE for a text that is not JSON, and with ERR_CONFIG
 * for a bad file. */
int jvalue_read_args(
    jv *out, const struct arg *args, size_t n, struct err *e);

enum write_result jvalue_write(
    struct buf *b, jv v, struct numbers *n, bool lossy);

/* The functions of the module etl that are written in C. etl.jq calls them: it
 * passes arguments and function name to debug and gets the result from input.
 * Owns:  the pending call, character tables and time zones.
 * Gives: module_take_value() returns true if v is part of such a call; it then
 *        frees v or keeps it. module_run_call() runs the function, or returns
 *        false if none was named. A reject is an error value of jq, an object
 *        whose "@etl" is "reject". A filter cannot forge a call, because
 *        function names begin with tag, which is random. */

enum { MODULE_TAG = 33, MODULE_ZONES = 8, MODULE_ARGS = 2, MODULE_OPS = 10 };

struct module;

struct module_zone {
	jv name;
	struct zone *zone;
};

struct module_names {           /* the argument of the last require() */
	jv names;               /* the array */
	jv *v;                  /* its elements */
	int count;
};

typedef jv module_call(struct module *n);

struct module_op {
	const char *name;
	int args;
	module_call *call;
};

struct module {
	char tag[MODULE_TAG];
	struct numbers *numbers;
	struct words *words;
	struct zone_files *zone_files;  /* NULL: the filter uses none */
	struct module_zone zones[MODULE_ZONES];
	unsigned int next_zone;
	struct module_names required;
	struct now_text now;            /* result of now_utc */
	/* For each function, the address of its "TAG:name" string in libjq.
	 * NULL: not known yet. See find_called_op(). */
	const char *name_address[MODULE_OPS];
	bool user_debugs;               /* the user's filter may call debug */
	bool collecting;                /* the next input of debug is an
					 * argument of a call */
	jv arg[MODULE_ARGS];
	int nargs;                      /* arguments collected so far */
	const struct module_op *op;     /* named by debug; input calls it */
	struct buf text;                /* for the result */
};

/* user_debugs: the user's filter may call jq's function debug itself. */
int module_init(struct module *n, struct numbers *numbers, bool user_debugs,
    struct err *e);
void module_release(struct module *n);
/* Forgets a call that an earlier record left unfinished. Call it before each
 * record. */
void module_forget_call(struct module *n);
bool module_take_value(struct module *n, jv v);
bool module_run_call(struct module *n, jv *result);

module_call module_to_int, module_to_number;

#endif
