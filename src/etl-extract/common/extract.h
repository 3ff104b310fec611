/* The options of etl-extract as opt_parse() fills them in, and the state that
 * all requests of a process share.
 * Owns:    fetch, which the first call of fetch_open_once() opens; cursor,
 *          which run_sources() opens once the options of the source are
 *          checked.
 * Borrows: all texts; they belong to argv, to the environment, or are
 *          static. */
#ifndef EXTRACT_EXTRACT_H
#define EXTRACT_EXTRACT_H

#include "base/opt.h"

#include <stdint.h>

#define FIRST_NOT_GIVEN UINT64_MAX
#define FLUSH_NOT_GIVEN UINT64_MAX

enum { EXTRACT_OPTIONS_MAX = 96 };

struct extract_opts {
	const char *format, *records;
	/* Files. */
	const char *encoding, *source_file, *final_newline;
	const char *columns, *comment, *delimiter, *null, *quote, *types;
	uint64_t skip, jobs;
	uint64_t max_ratio;             /* also of HTTP */
	bool recursive, marked, plain, new_files;
	const char *changed;
	/* HTTP. */
	const char *paginate, *into, *size, *total, *next, *more;
	const char *method, *body;
	struct opt_list on;
	bool probe;
	const char *rate;
	uint64_t max_time;              /* milliseconds; 0: no limit */
	const char *cacert, *capath, *cert, *key, *proxy, *unix_socket;
	uint64_t first, max_pages;
	struct opt_list params, headers;
	const char *auth, *secret, *token_url, *client_id, *scope;
	const char *aws_sigv4, *record_to, *replay_from;
	uint64_t delay, timeout, connect_timeout;       /* milliseconds */
	uint64_t retries, max_body;
	const char *backoff;
	const char *each, *as, *count_as;
	uint64_t batch_each, flush;     /* records; milliseconds */
	const char *ids, *match, *missing;
	bool many;
	const char *checkpoint, *cursor_field, *since_param, *start, *since;
	const char *lookback, *until, *until_param, *state, *db,
	    *control_schema;
	bool ordered, conditional;
	const char *query, *table;      /* of SQL sources */
	bool singer;                    /* a tap is the source */
	struct opt_list select;         /* of Singer sources */
	const char *select_as;
	const char *stream, *stage, *rejects, *max_rejects;
	uint64_t max_record;
	/* True for each option that was given on the command line. The index is
	 * the place of the option in the table of options. */
	bool is_given[EXTRACT_OPTIONS_MAX];
};

struct ahead;
struct fetch;
struct cursor;
struct input_given;

struct extract {
	struct extract_opts opts;
	struct fetch *fetch;
	struct cursor *cursor;          /* NULL without --cursor-field */
	struct ahead *ahead;            /* child processes; NULL without
					 * --jobs */
	char *const *tap;               /* --singer: the command of the tap */
	const struct input_given *given;        /* what input_open() reads; if
						 * NULL, it opens the path */
	bool is_child;                  /* this process is a child of --jobs: it
					 * prints nothing */
};

#endif
