/* The functions of the module etl that are written in C (etl.jq calls them).
 * Owns:  the pending call, character tables and time zones.
 * Gives: native_debug() true where v was part of a call of ours, and takes v
 *        then; native_input() the result, false if none was called.
 *        A result that is a reject is an error in jq: an object whose "@etl"
 *        is "reject".  Nobody can forge a call: tag is random. */
#ifndef TRANSFORM_NATIVE_H
#define TRANSFORM_NATIVE_H

#include "jvalue.h"
#include "words.h"
#include "zone.h"

#include "base/clock.h"
#include "base/errval.h"

#include <time.h>

enum { NATIVE_TAG = 33, NATIVE_ZONES = 8, NATIVE_ARGS = 2, NATIVE_OPS = 10 };

struct native;

struct native_zone {
	jv name;
	struct zone *zone;
};

struct native_names {           /* what require() was last given */
	jv names, *v;
	int count;
};

typedef jv native_call(struct native *n);

struct native_op {
	const char *name;
	int args;
	native_call *call;
};

struct native {
	char tag[NATIVE_TAG];
	struct numbers *numbers;
	struct words *words;
	struct native_zone zones[NATIVE_ZONES];
	unsigned int next_zone;
	struct native_names required;
	time_t second;                  /* of now */
	char now[CLOCK_STAMP];
	const char *known[NATIVE_OPS];  /* the constants that name them */
	bool shared;                    /* the user calls debug, too */
	bool coming;                    /* what debug gets is an argument */
	jv arg[NATIVE_ARGS];            /* have of them have come */
	int have;
	const struct native_op *op;     /* named, to be called by input */
	struct buf text;
};

int native_init(struct native *n, struct numbers *numbers, bool shared,
    struct err *e);
void native_release(struct native *n);
void native_reset(struct native *n);    /* before a record */
bool native_debug(struct native *n, jv v);
bool native_input(struct native *n, jv *result);

/* For the functions: an error value. */
jv native_reject(const char *code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
jv native_type(const struct native *n, jv v, const char *wanted);
native_call native_to_int, native_to_number;

#endif
