/* Options from one table, in the manner of getopt_long(3).
 * Owns:  strings stay in argv and the environment; opt_release() frees lists.
 * Gives: fields of *into set by offset; of a single option the last wins, an
 *        option wins over its environment variable; optind as getopt does.
 * Units: OPT_SIZE bytes (KiB, MiB, GiB taken), OPT_DURATION milliseconds
 *        (500ms, 30s, 5m, 2h, 90d), OPT_NUMBER as it is: all uint64_t.
 * Fails: ERR_USAGE, for a bad environment variable ERR_CONFIG. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "errval.h"

#include <stddef.h>
#include <stdint.h>

enum opt_type {
	OPT_FLAG,               /* bool */
	OPT_STRING,             /* const char * */
	OPT_LIST,               /* struct opt_list, may be given often */
	OPT_NUMBER, OPT_SIZE, OPT_DURATION,
	OPT_COUNT               /* a number, but not 0: that is "not given" */
};

struct opt_list {
	const char **v;
	size_t n;
};

struct opt {
	const char *name;
	enum opt_type type;
	size_t offset;
	const char *arg;        /* name of its argument, NULL for a flag */
	const char *help;       /* one line for --help */
	const char *env;        /* NULL: none */
	char letter;            /* 0: none */
};

struct opt_spec {
	const char *program;
	const char *usage;      /* "usage: ..." = the SYNOPSIS of the page */
	const struct opt *opts;
	size_t n;
	bool stop;              /* options end at the first operand */
};

enum opt_result { OPT_FAILED = -1, OPT_RUN, OPT_HELP, OPT_VERSION };

enum opt_result opt_parse(const struct opt_spec *s, void *into, int argc,
    char *argv[], struct err *e);
void opt_release(const struct opt_spec *s, void *into);

/* For main: prints help, version or the failure; returns the exit status. */
int opt_answer(const struct opt_spec *s, enum opt_result r,
    const struct err *e);

int duration_parse(uint64_t *ms, const char *text);     /* -1: none */

#endif
