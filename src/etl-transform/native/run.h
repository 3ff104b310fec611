/* Runs a program on a record.
 * Owns:  struct run: the values of the record, the variables, and the state of
 *        the module etl.
 * Gives: eval() sets *out to the one output of a node that is `single`. each()
 *        calls give() for each output of a node, in order.
 * Fails: RUN_UNSURE: libjq must run the whole record. RUN_ERROR: an error of
 *        the filter; r->failure has its text, if it is known. */
#ifndef TRANSFORM_RUN_H
#define TRANSFORM_RUN_H

#include "engine/engine.h"
#include "native/resolve.h"

enum run_result {
	RUN_ON,
	RUN_STOP,       /* all generators stop, up to the one at r->stop */
	RUN_ERROR,
	RUN_UNSURE
};

/* An error of the filter. Only the errors of error(TEXT) and reject() are made
 * here. For every other error the kind is FAILURE_UNKNOWN, and libjq runs the
 * record to make its message. */
struct failure {
	enum { FAILURE_UNKNOWN, FAILURE_TEXT, FAILURE_REJECT } kind;
	struct value text;      /* error(text), or the message of the reject */
	struct value code, pointer;     /* pointer: null if there is none */
};

struct run_module;
struct run;

typedef enum run_result run_give(
    struct run *r, void *context, struct value v);

struct run {
	/* run_eval() and run_each() of run.c. The functions that they call
	 * call them by these pointers. */
	enum run_result (*eval)(struct run *r, const struct node *n,
	    struct value in, struct value *out);
	enum run_result (*each)(struct run *r, const struct node *n,
	    struct value in, run_give *give, void *context);
	struct values values;
	struct value *slots;
	struct failure failure;
	const void *stop;
	unsigned int tries;     /* `try` and `?` whose outputs are being
				 * passed on; see give_from_try() */
	struct run_module *module;
	size_t max_record;
};

void run_init(struct run *r);

/* run_eval() and run_each() call these functions, one for each kind of node. */
enum run_result run_binary(struct run *r, enum operation op,
    const struct value *a, const struct value *b, struct value *out);
enum run_result run_negate(
    struct run *r, const struct value *v, struct value *out);
enum run_result run_index(struct run *r, const struct value *v,
    const struct value *key, struct value *out);
enum run_result run_slice(struct run *r, const struct value *v,
    const struct value *from, const struct value *to, struct value *out);
/* For an object with one generator among its parts, as in {a: 1, b: .c[], d:
 * 2}. run_object_begin() evaluates the first `count` parts, those before the
 * generator, and stores their values in *part. For each output of the generator
 * the caller stores this output in part[] and calls run_object_finish(), which
 * evaluates the other parts and makes the object. `known` is the number of
 * parts that part[] has. */
enum run_result run_object_begin(struct run *r, const struct node *n,
    size_t count, struct value in, struct value **part);
enum run_result run_object_finish(struct run *r, const struct node *n,
    size_t known, struct value in, struct value *part, struct value *out);
enum run_result run_string(struct run *r, const struct node *n, struct value in,
    struct value *out);
enum run_result run_collect(struct run *r, const struct node *n,
    struct value in, struct value *out);
enum run_result run_reduce(struct run *r, const struct node *n,
    struct value in, struct value *out);
enum run_result run_generator(struct run *r, const struct node *n,
    struct value in, run_give *give, void *context);
/* Converts as jq's tostring. */
bool run_to_text(struct run *r, const struct value *v, struct value *out);

/* Sets an error whose text only libjq knows. */
static inline enum run_result
run_error(struct run *r)
{
	r->failure.kind = FAILURE_UNKNOWN;
	return RUN_ERROR;
}

int run_module_open(struct run_module **m, bool zones, struct err *e);
void run_module_close(struct run_module *m);

#endif
