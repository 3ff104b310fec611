/* The interface to an engine, which runs a filter on records. choice.c: libjq
 * and the native engine. hash.c: computes --hash, after one of these or alone.
 * Owns:    compile() fills *self; free() frees it and accepts NULL.
 * Borrows: conf until free(); the record and the outcome during run().
 * Gives:   run() appends each output and an LF to o->out, or calls
 *          outcome_reject(). If it does neither, the record is dropped.
 * Fails:   compile() returns -1 with *e. run() returns no error: it may run
 *          forever, or exit the process, with ENGINE_NOMEM if memory is out. */
#ifndef TRANSFORM_ENGINE_H
#define TRANSFORM_ENGINE_H

#include "base/buf.h"
#include "base/opt.h"
#include "json/scan.h"

enum { ENGINE_NOMEM = 71 };     /* exit code of a process without memory */

/* A variable of the filter: --arg, --argjson, --slurpfile. */
enum arg_kind { ARG_TEXT, ARG_JSON, ARG_FILE };

struct arg {
	enum arg_kind kind;
	const char *name, *value;
};

/* --engine; see choice.c. */
enum engine_choice { ENGINE_AUTO, ENGINE_NATIVE, ENGINE_JQ };

struct engine_conf {
	const char *text;               /* the filter; NULL: none, which only
					 * engine_hash accepts */
	bool std;                       /* --std: functions of the module etl
					 * are called without etl:: */
	bool lossy;                     /* --lossy-numbers */
	struct opt_list dirs;           /* -L */
	const struct arg *args;
	size_t nargs;
	bool duplicates;                /* --duplicate-members last */
	size_t max_record;              /* longer outputs are rejected */
	enum engine_choice choice;      /* --engine */
	bool explain;                   /* --explain */
	bool limits_are_small;          /* --time-limit or --memory-limit is
					 * too small to compile the filter
					 * for libjq during a record */
	const char *hash, *hash_as;     /* --hash, --hash-as, or NULL */
};

struct outcome {
	struct buf out;
	char code[32];                  /* of the reject; "": no reject */
	struct buf message, pointer;
};

struct engine {
	int (*compile)(void **self, const struct engine_conf *c,
	    struct err *e);
	void (*run)(void *self, const struct json *j, struct outcome *o);
	void (*free)(void *self);
};

/* Reads the argument of --engine. */
int engine_choice_parse(
    enum engine_choice *choice, const char *name, struct err *e);

extern const struct engine engine_choice, engine_hash;

/* Checks --hash and --hash-as, which may be NULL. Fails with ERR_USAGE. */
int row_hash_check(const char *columns, const char *as, struct err *e);

void outcome_init(struct outcome *o);
void outcome_release(struct outcome *o);
void outcome_clear(struct outcome *o);
void outcome_reject(struct outcome *o, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Rejects the record because the filter made too much output. */
void outcome_reject_size(struct outcome *o);
/* The filter has written an output, an object, to o->out; it begins at byte
 * `from`. Appends the LF after it. Rejects the record and returns false if the
 * output must not be written: it is too long, or it begins with {"@etl": as
 * only a mark may. */
bool outcome_end_output(struct outcome *o, size_t from, size_t max_record);
void outcome_reject_type(struct outcome *o, const char *type);
/* Returns true if the text is allowed as the code of a reject. */
bool outcome_is_code(const char *p, size_t n);
/* Appends the text, cut if the buffer is full. A NUL byte is written as \u0000,
 * because the message and the pointer of a reject end at a NUL byte. */
void outcome_put_text(struct buf *b, const char *p, size_t n);

#endif
