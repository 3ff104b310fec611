/* Options that have the same meaning in several programs. Each macro is a row
 * for a table of struct opt, so that --help says the same in each program.
 * OFFSET is the place of the value in the program's own struct. The program
 * sets defaults in this struct. tests/lint/pages.t checks that the manual pages
 * say the same too. */
#ifndef BASE_SHARED_OPTIONS_H
#define BASE_SHARED_OPTIONS_H

#include "opt.h"

/* const char *: a database URL; NULL if not given. */
#define OPTION_DB(offset) \
	{ "db", OPT_STRING, (offset), "URL", \
	    "database (default: $DATABASE_URL, else sqlite:etl.db)", NULL, 0 }

/* const char *: a name; NULL if not given. */
#define OPTION_CONTROL_SCHEMA(offset) \
	{ "control-schema", OPT_STRING, (offset), "NAME", \
	    "PostgreSQL schema of etl's own tables", NULL, 0 }

/* const char *: "file:PATH"; NULL if not given. */
#define OPTION_STATE(offset) \
	{ "state", OPT_STRING, (offset), "file:PATH", \
	    "keep the checkpoint in this file, not in a database", NULL, 0 }

/* const char *: a path; NULL if not given. */
#define OPTION_REJECTS(offset) \
	{ "rejects", OPT_STRING, (offset), "FILE", \
	    "append rejected records to FILE", NULL, 0 }

/* const char *: a number or a percentage; NULL if not given. */
#define OPTION_MAX_REJECTS(offset) \
	{ "max-rejects", OPT_STRING, (offset), "N|N%", \
	    "stop if more records are rejected (default: 50%)", NULL, 0 }

/* uint64_t: bytes. */
#define OPTION_MAX_RECORD(offset) \
	{ "max-record", OPT_SIZE, (offset), "SIZE", \
	    "longest record that is accepted (default: 16MiB)", NULL, 0 }

/* const char *: only "last" is allowed; NULL if not given. */
#define OPTION_DUPLICATE_MEMBERS(offset) \
	{ "duplicate-members", OPT_STRING, (offset), "last", \
	    "accept a record with a member twice: the last counts", NULL, 0 }

/* bool */
#define OPTION_PLAIN(offset) \
	{ "plain", OPT_FLAG, (offset), NULL, \
	    "treat the input as plain NDJSON without marks", NULL, 0 }

/* bool */
#define OPTION_MARKED(offset) \
	{ "marked", OPT_FLAG, (offset), NULL, \
	    "accept a saved stream with checkpoints, or a saved replay", \
	    NULL, 0 }

/* const char *: a name; NULL if not given. */
#define OPTION_STAGE(offset) \
	{ "stage", OPT_STRING, (offset), "NAME", \
	    "name of this stage in marks and rejects", NULL, 0 }

/* uint64_t: tries after the first. */
#define OPTION_RETRIES(offset) \
	{ "retries", OPT_NUMBER, (offset), "N", \
	    "try again N times if a failure may pass (default: 3)", \
	    "MAX_RETRIES", 0 }

/* const char *: two durations; NULL if not given. */
#define OPTION_BACKOFF(offset) \
	{ "backoff", OPT_STRING, (offset), "BASE..MAX", \
	    "wait between retries (default: 1s..60s)", NULL, 0 }

#endif
