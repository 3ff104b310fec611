/* The functions of jq and of the module etl that the native engine has in C.
 * Gives: function_find() finds a function by its name and its number of
 *        arguments, or returns NULL. Arguments are values, and each has been
 *        evaluated before the call.
 * Fails: a function returns RUN_UNSURE if libjq must run the record, and
 *        RUN_ERROR if jq has an error there. */
#ifndef TRANSFORM_FUNCTIONS_H
#define TRANSFORM_FUNCTIONS_H

#include "native/run.h"

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

/* Shared with run.c. */
bool text_split(struct run *r, const struct value *text,
    const struct value *separator, struct value *out);

#endif
