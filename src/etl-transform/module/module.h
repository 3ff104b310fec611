/* The functions of the module etl that are written in C. etl.jq calls them: it
 * passes arguments and function name to debug and gets the result from input.
 * Owns:  the pending call, character tables and time zones.
 * Gives: module_take_value() returns true if v is part of such a call; it then
 *        frees v or keeps it. module_run_call() runs the function, or returns
 *        false if none was named. A reject is an error value of jq, an object
 *        whose "@etl" is "reject". A filter cannot forge a call, because
 *        function names begin with tag, which is random. */
#ifndef TRANSFORM_MODULE_H
#define TRANSFORM_MODULE_H

#include "base/errval.h"
#include "module/times.h"
#include "module/words.h"
#include "module/zone.h"
#include "number/jvalue.h"

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
