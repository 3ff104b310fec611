/* Reads the command line by one table of options, with getopt_long(3).
 * Owns:  strings stay in argv and the environment; opt_release() frees lists.
 * Gives: sets the fields of the program's struct, *into, and optind. If an
 *        option is given twice, the last counts. An option overrides its
 *        environment variable.
 * Units: OPT_SIZE is in bytes (KiB, MiB, GiB), OPT_DURATION in milliseconds
 *        (500ms, 30s, 5m, 2h, 90d); with OPT_NUMBER all are uint64_t.
 * Fails: ERR_USAGE; ERR_CONFIG for a bad environment variable. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

enum opt_type {
	OPT_FLAG,               /* bool */
	OPT_STRING,             /* const char * */
	OPT_LIST,               /* struct opt_list, may be given many times */
	OPT_NUMBER, OPT_SIZE, OPT_DURATION,
	OPT_COUNT,              /* a number from 1; 0 means "not given" */
	OPT_COMMAND             /* bool: the last option; the rest of the
				 * command line is a command */
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
	bool stop;              /* the first operand ends the options */
	size_t is_given;        /* offset of an array of n bools: the command
				 * line has this option; 0: there is none */
	void (*print_after_version)(void);      /* NULL: nothing */
};

enum opt_result { OPT_FAILED = -1, OPT_RUN, OPT_HELP, OPT_VERSION };

enum opt_result opt_parse(const struct opt_spec *s, void *into, int argc,
    char *argv[], struct err *e);
void opt_release(const struct opt_spec *s, void *into);

/* For main: prints the help, the version or the failure; returns the exit
 * code. */
int opt_print_result(const struct opt_spec *s, enum opt_result r,
    const struct err *e);

int duration_parse(uint64_t *ms, const char *text);     /* -1: not one */

/* A limit that a user gives as a number, such as 10, or as a percentage, such
 * as 5%. */

struct limit {
	uint64_t count;
	unsigned percent;
	bool by_percent;
};

/* Fails with ERR_USAGE, and the message names the option. */
int limit_parse(struct limit *l, const char *option, const char *text,
    struct err *e);
/* Returns how many of `all` the limit allows. */
uint64_t limit_allowed(const struct limit *l, uint64_t all);

#endif
