/* The functions of the module etl that are written in C (etl.jq calls them).
 * Owns:  the pending call, character tables and time zones.
 * Gives: module_debug() true where v was part of a call of ours, and takes v
 *        then; module_input() the result, false if none was called.
 *        A result that is a reject is an error in jq: an object whose "@etl"
 *        is "reject".  Nobody can forge a call: tag is random. */
#ifndef TRANSFORM_MODULE_H
#define TRANSFORM_MODULE_H

#include "module/words.h"
#include "module/zone.h"
#include "number/jvalue.h"

#include "base/clock.h"
#include "base/errval.h"

#include <time.h>

enum { MODULE_TAG = 33, MODULE_ZONES = 8, MODULE_ARGS = 2, MODULE_OPS = 10 };

struct module;

struct module_zone {
	jv name;
	struct zone *zone;
};

struct module_names {           /* what require() was last given */
	jv names, *v;
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
	struct module_zone zones[MODULE_ZONES];
	unsigned int next_zone;
	struct module_names required;
	time_t second;                  /* of now */
	char now[CLOCK_STAMP];
	const char *known[MODULE_OPS];  /* the constants that name them */
	bool shared;                    /* the user calls debug, too */
	bool coming;                    /* what debug gets is an argument */
	jv arg[MODULE_ARGS];            /* have of them have come */
	int have;
	const struct module_op *op;     /* named, to be called by input */
	struct buf text;
};

int module_init(struct module *n, struct numbers *numbers, bool shared,
    struct err *e);
void module_release(struct module *n);
void module_reset(struct module *n);    /* before a record */
bool module_debug(struct module *n, jv v);
bool module_input(struct module *n, jv *result);

/* For the functions: an error value. */
jv module_reject(const char *code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
jv module_type(const struct module *n, jv v, const char *wanted);
module_call module_to_int, module_to_number;

#endif
