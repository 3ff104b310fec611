/* The functions and operators that the native engine has in C: those of jq, and
 * the functions of the module etl.
 * Owns:  struct run: the values of the record, the variables, and the state of
 *        the module etl.
 * Gives: function_find() returns the function with this name and number of
 *        arguments, or NULL. Arguments are values, evaluated before the call.
 * Fails: RUN_UNSURE: libjq must run the whole record. RUN_ERROR: an error of
 *        the filter; r->failure has its text, if it is known. */
#ifndef TRANSFORM_FUNCTIONS_H
#define TRANSFORM_FUNCTIONS_H

#include "base/errval.h"
#include "native/value.h"

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

struct run {
	struct values values;
	struct value *slots;
	struct failure failure;
	const void *stop;
	unsigned int tries;     /* `try` and `?` whose outputs are being
				 * passed on; see give_from_try() */
	struct run_module *module;
	size_t max_record;
};

/* The operators of jq. A slice begins at ends[0] and ends at ends[1]. */
enum run_result run_binary(struct run *r, enum operation op,
    const struct value *a, const struct value *b, struct value *out);
enum run_result run_negate(
    struct run *r, const struct value *v, struct value *out);
enum run_result run_index(struct run *r, const struct value *v,
    const struct value *key, struct value *out);
enum run_result run_slice(struct run *r, const struct value *v,
    const struct value ends[2], struct value *out);
/* Converts as jq's tostring. */
bool run_to_text(struct run *r, const struct value *v, struct value *out);

/* Sets the member `name` in the list m[0..n), which has room for one more. A
 * member with this name keeps its place, as in libjq. Returns the new number of
 * members. */
size_t run_set_member(struct member *m, size_t n, struct value name,
    struct value value);

/* Sets an error whose text only libjq knows. */
static inline enum run_result
run_error(struct run *r)
{
	r->failure.kind = FAILURE_UNKNOWN;
	return RUN_ERROR;
}

int run_module_open(struct run_module **m, bool zones, struct err *e);
void run_module_close(struct run_module *m);

enum { FUNCTION_ARGUMENTS = 2 };

typedef enum run_result function_call(struct run *r, const struct value *in,
    const struct value *args, struct value *out);

struct function {
	const char *name;
	size_t arguments;
	function_call *call;
};

const struct function *function_find(
    const char *name, size_t len, size_t arguments);
/* As function_find(), for functions of the module etl. `name` has no etl::
 * before it. */
const struct function *function_find_module(const char *name, size_t len,
    size_t arguments);
/* Returns the text of a function that jq defines in its own language, such as
 * "def map(f): [.[] | f];", or NULL. */
const char *function_find_jq(const char *name, size_t len, size_t arguments);

function_call function_length, function_utf8bytelength, function_has,
    function_keys, function_keys_unsorted, function_type, function_tostring,
    function_tonumber, function_add, function_not, function_floor,
    function_startswith, function_endswith, function_ltrimstr,
    function_rtrimstr, function_ascii_downcase, function_ascii_upcase,
    function_split, function_join, function_tojson, function_sort,
    function_unique, function_min, function_max, function_reverse,
    function_from_entries, function_now, function_todate;
function_call function_require, function_normalize_text, function_title_case,
    function_word_count, function_to_int, function_to_number,
    function_to_timestamp, function_to_timestamp_in, function_now_utc;

/* Shared with operators.c. */
bool text_split(struct run *r, const struct value *text,
    const struct value *separator, struct value *out);

#endif
