#include "engine/engine.h"
#include "number/jvalue.h"

#include <string.h>

static int
parse_json_arg(jv *v, const struct arg *a, struct err *e)
{
	struct json j = { .text = NULL };
	struct json_fault fault;
	struct reader r;

	if (json_scan(&j, a->value, strlen(a->value), JSON_LEVELS_ALL,
	    JSON_LAST, &fault) == -1) {
		json_release(&j);
		return err_set(e, ERR_USAGE, false,
		    "--argjson %s: not JSON: %s", a->name, fault.why);
	}
	reader_init(&r, NULL);
	*v = jvalue_read(&r, &j);
	reader_release(&r);
	json_release(&j);
	return 0;
}

static int
read_slurpfile(jv *v, const struct arg *a, struct err *e)
{
	jv message;

	*v = jv_load_file(a->value, 0);
	if (jv_is_valid(*v))
		return 0;
	message = jv_invalid_get_msg(*v);
	(void)err_set(e, ERR_CONFIG, false, "--slurpfile %s: %s", a->name,
	    jv_get_kind(message) == JV_KIND_STRING ?
	    jv_string_value(message) : "cannot be read");
	jv_free(message);
	return -1;
}

int
jvalue_read_args(jv *out, const struct arg *args, size_t n, struct err *e)
{
	jv named = jv_object(), all;

	for (size_t i = 0; i < n; i++) {
		const struct arg *a = &args[i];
		jv v = jv_null();
		int rc = 0;

		if (a->kind == ARG_TEXT)
			v = jv_string(a->value);
		else if (a->kind == ARG_JSON)
			rc = parse_json_arg(&v, a, e);
		else
			rc = read_slurpfile(&v, a, e);
		if (rc == -1) {
			jv_free(named);
			return -1;
		}
		named = jv_object_set(named, jv_string(a->name), v);
	}
	all = JV_OBJECT(jv_string("positional"), jv_array(),
	    jv_string("named"), jv_copy(named));
	*out = jv_object_set(named, jv_string("ARGS"), all);
	return 0;
}
