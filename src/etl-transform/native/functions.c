#include "native/functions.h"

#include <string.h>

static const struct function functions[] = {
	{ "add", 0, function_add },
	{ "ascii_downcase", 0, function_ascii_downcase },
	{ "ascii_upcase", 0, function_ascii_upcase },
	{ "endswith", 1, function_endswith },
	{ "floor", 0, function_floor },
	{ "from_entries", 0, function_from_entries },
	{ "has", 1, function_has },
	{ "join", 1, function_join },
	{ "keys", 0, function_keys },
	{ "keys_unsorted", 0, function_keys_unsorted },
	{ "length", 0, function_length },
	{ "ltrimstr", 1, function_ltrimstr },
	{ "max", 0, function_max },
	{ "min", 0, function_min },
	{ "not", 0, function_not },
	{ "now", 0, function_now },
	{ "reverse", 0, function_reverse },
	{ "rtrimstr", 1, function_rtrimstr },
	{ "sort", 0, function_sort },
	{ "split", 1, function_split },
	{ "startswith", 1, function_startswith },
	{ "todate", 0, function_todate },
	{ "tojson", 0, function_tojson },
	{ "tonumber", 0, function_tonumber },
	{ "tostring", 0, function_tostring },
	{ "type", 0, function_type },
	{ "unique", 0, function_unique },
	{ "utf8bytelength", 0, function_utf8bytelength },
};

static const struct function module_functions[] = {
	{ "normalize_text", 0, function_normalize_text },
	{ "now_utc", 0, function_now_utc },
	{ "require", 1, function_require },
	{ "title_case", 0, function_title_case },
	{ "to_int", 0, function_to_int },
	{ "to_number", 0, function_to_number },
	{ "to_timestamp", 0, function_to_timestamp },
	{ "to_timestamp", 1, function_to_timestamp_in },
	{ "word_count", 0, function_word_count },
};

/* As jq itself defines them. */
static const struct {
	const char *name;
	size_t arguments;
	const char *text;
} definitions[] = {
	{ "arrays", 0, "def arrays: select(type == \"array\");" },
	{ "booleans", 0, "def booleans: select(type == \"boolean\");" },
	{ "error", 0, "def error: error(.);" },
	{ "first", 0, "def first: .[0];" },
	{ "last", 0, "def last: .[-1];" },
	{ "map", 1, "def map(f): [.[] | f];" },
	{ "nulls", 0, "def nulls: select(. == null);" },
	{ "numbers", 0, "def numbers: select(type == \"number\");" },
	{ "objects", 0, "def objects: select(type == \"object\");" },
	{ "select", 1, "def select(f): if f then . else empty end;" },
	{ "strings", 0, "def strings: select(type == \"string\");" },
	{ "to_entries", 0, "def to_entries: "
	    "[keys_unsorted[] as $k | {key: $k, value: .[$k]}];" },
	{ "values", 0, "def values: select(. != null);" },
	{ "with_entries", 1, "def with_entries(f): "
	    "to_entries | map(f) | from_entries;" },
};

static bool
is_called(const char *name, const char *p, size_t n)
{
	return strlen(name) == n && memcmp(name, p, n) == 0;
}

/* Returns the function of the table with this name and this number of
 * arguments, or NULL. */
static const struct function *
find_in_table(const struct function *f, size_t n, const char *name, size_t len,
    size_t arguments)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].arguments == arguments &&
		    is_called(f[i].name, name, len))
			return &f[i];
	return NULL;
}

const struct function *
function_find(const char *name, size_t len, size_t arguments)
{
	return find_in_table(functions,
	    sizeof(functions) / sizeof(functions[0]), name, len, arguments);
}

const struct function *
function_find_module(const char *name, size_t len, size_t arguments)
{
	return find_in_table(module_functions,
	    sizeof(module_functions) / sizeof(module_functions[0]), name, len,
	    arguments);
}

const char *
function_find_jq(const char *name, size_t len, size_t arguments)
{
	for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]);
	     i++)
		if (definitions[i].arguments == arguments &&
		    is_called(definitions[i].name, name, len))
			return definitions[i].text;
	return NULL;
}
