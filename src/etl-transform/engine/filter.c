#include "engine/engine.h"
#include "engine/filter_imports.h"
#include "engine/filter_program.h"
#include "engine/filter_stderr.h"
#include "module/module.h"

#include "base/text.h"

#include <jq.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4096 };

/* Weak: NULL with libjq before 1.7, which then writes to stderr itself. */
void jq_set_stderr_cb(jq_state *, jq_msg_cb, void *) __attribute__((weak));

struct filter {
	const struct engine_conf *conf;
	jq_state *jq;
	struct numbers numbers;
	struct reader reader;
	struct module module;
	struct buf text;                /* error messages of libjq */
};

static void
add_string_or_json(struct buf *b, jv v)
{
	if (jv_get_kind(v) == JV_KIND_STRING)
		buf_add(b, jv_string_value(v),
		    (size_t)jv_string_length_bytes(jv_copy(v)));
	else
		(void)jvalue_write(b, v, NULL, true);
}

static void
append_value_as_reject_text(struct buf *b, jv v)
{
	struct buf text;

	buf_init(&text, INT32_MAX);
	add_string_or_json(&text, v);
	outcome_add_cut_nul_escaped(b, text.len > 0 ? text.data : "", text.len);
	b->failed |= text.failed;
	buf_release(&text);
}

static void
append_jq_error_text(void *self, jv message)
{
	struct filter *f = self;

	if (f->text.len > 0)
		buf_char(&f->text, '\n');
	add_string_or_json(&f->text, message);
	jv_free(message);
}

/* Called by jq's stderr (of libjq 1.7 and later). */
static void
print_stderr_value(void *self __attribute__((unused)), jv v)
{
	struct buf b;

	buf_init(&b, INT32_MAX);
	add_string_or_json(&b, v);
	stderr_print_and_release(&b);
	jv_free(v);
}

/* Called by jq's debug. Prints v, unless module.c takes v as part of a call. */
static void
take_call_argument_or_print(void *self, jv v)
{
	struct filter *f = self;
	struct buf b;

	if (module_take_call_or_argument(&f->module, v))
		return;
	buf_init(&b, INT32_MAX);
	buf_str(&b, "[\"DEBUG:\",");
	(void)jvalue_write(&b, v, &f->numbers, true);
	buf_str(&b, "]\n");
	stderr_print_and_release(&b);
	jv_free(v);
}

/* Called by jq's `input`: runs the function of module etl that the filter has
 * just named with jq's `debug`. If it has named none, no input is left. */
static jv
run_called_module_function(jq_state *jq __attribute__((unused)), void *self)
{
	struct filter *f = self;
	jv v;

	return module_run_and_forget_call(&f->module, &v) ? v : jv_invalid();
}

static void
exit_on_nomem(void *self __attribute__((unused)))
{
	_exit(ENGINE_NOMEM);
}

static int
set_library_folders(struct filter *f, struct err *e)
{
	jv dirs = jv_array(), origin;

	for (size_t i = 0; i < f->conf->dirs.n; i++) {
		char *path = realpath(f->conf->dirs.v[i], NULL);

		if (path == NULL) {
			jv_free(dirs);
			return err_errno(e, ERR_INPUT, f->conf->dirs.v[i]);
		}
		dirs = jv_array_append(dirs, jv_string(path));
		free(path);
	}
	/* Some versions of libjq also search in the origin. */
	origin = f->conf->dirs.n == 0 ? jv_string("/") :
	    jv_array_get(jv_copy(dirs), 0);
	jq_set_attr(f->jq, jv_string("JQ_LIBRARY_PATH"), dirs);
	jq_set_attr(f->jq, jv_string("JQ_ORIGIN"), jv_copy(origin));
	jq_set_attr(f->jq, jv_string("PROGRAM_ORIGIN"), origin);
	return 0;
}

static int
parse_json_argument(jv *v, const struct arg *a, struct err *e)
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
read_slurpfile_argument(jv *v, const struct arg *a, struct err *e)
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

/* Makes an object of all $NAME that options such as --arg define, and $ARGS. */
static int
build_variables_and_args(jv *out, const struct engine_conf *c, struct err *e)
{
	jv named = jv_object(), all;

	for (size_t i = 0; i < c->nargs; i++) {
		const struct arg *a = &c->args[i];
		jv v = jv_null();
		int rc = 0;

		if (a->kind == ARG_TEXT)
			v = jv_string(a->value);
		else if (a->kind == ARG_JSON)
			rc = parse_json_argument(&v, a, e);
		else
			rc = read_slurpfile_argument(&v, a, e);
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

static int
build_and_compile_program(struct filter *f, jv args, struct err *e)
{
	struct program p;
	struct buf message;
	int rc;

	buf_init(&message, MESSAGE_MAX);
	if ((rc = program_build(&p, f->conf, f->module.tag, e)) == -1) {
		jv_free(args);
	} else if (!jq_compile_args(f->jq, buf_text(&p.text), args)) {
		program_append_clean_message(&p, &message, buf_text(&f->text));
		rc = err_set(e, ERR_CONFIG, false, "filter: %s",
		    buf_text(&message));
	}
	buf_release(&message);
	program_release(&p);
	return rc;
}

static int
init_and_compile(struct filter *f, struct err *e)
{
	jv args;

	if (filter_imports_check(f->conf, e) == -1 ||
	    stderr_escape_if_terminal(e) == -1)
		return -1;
	if ((f->jq = jq_init()) == NULL)
		return err_nomem(e);
	jq_set_nomem_handler(f->jq, exit_on_nomem, f);
	jq_set_error_cb(f->jq, append_jq_error_text, f);
	jq_set_debug_cb(f->jq, take_call_argument_or_print, f);
	if (jq_set_stderr_cb != NULL)
		jq_set_stderr_cb(f->jq, print_stderr_value, f);
	jq_set_input_cb(f->jq, run_called_module_function, f);
	if (module_init_with_random_tag(&f->module, &f->numbers,
	    program_may_call_debug(f->conf), e) == -1 ||
	    (program_may_use_zones(f->conf) &&
	    zone_files_read_all(&f->module.zone_files, e) == -1) ||
	    set_library_folders(f, e) == -1 ||
	    build_variables_and_args(&args, f->conf, e) == -1)
		return -1;
	return build_and_compile_program(f, args, e);
}

static void
filter_free(void *self)
{
	struct filter *f = self;

	if (f == NULL)
		return;
	if (f->jq != NULL)
		jq_teardown(&f->jq);
	module_release(&f->module);
	reader_release(&f->reader);
	numbers_release(&f->numbers);
	buf_release(&f->text);
	free(f);
}

static int
filter_compile(void **self, const struct engine_conf *c, struct err *e)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	f->conf = c;
	numbers_init(&f->numbers);
	reader_init(&f->reader, &f->numbers);
	buf_init(&f->text, INT32_MAX);
	if (init_and_compile(f, e) == -1) {
		filter_free(f);
		return -1;
	}
	buf_clear(&f->text);
	*self = f;
	return 0;
}

static void
reject_unwritable_output(struct outcome *o, enum write_result r)
{
	if (r == WRITE_DEEP)
		outcome_reject(o, "depth", "the filter made an object nested "
		    "deeper than %d levels", (int)JSON_DEPTH_MAX);
	else if (r == WRITE_VAGUE)
		outcome_reject(o, "number",
		    "two different numbers of the record are the same double, "
		    "so it is unknown which one the filter writes; use "
		    "--lossy-numbers to write the rounded number");
}

/* Appends an output of the filter, or rejects the record and returns false. */
static bool
append_output_or_reject(struct filter *f, jv v, struct outcome *o)
{
	size_t from = o->out.len;
	enum write_result r;

	if (jv_get_kind(v) != JV_KIND_OBJECT) {
		outcome_reject_other_type(o, jv_kind_name(jv_get_kind(v)));
		return false;
	}
	r = jvalue_write(&o->out, v, &f->numbers, f->conf->lossy);
	if (r != WRITE_DONE && !o->out.failed)
		reject_unwritable_output(o, r);
	else
		(void)outcome_end_output(o, from, f->conf->max_record);
	return o->code[0] == '\0';
}

static bool
is_reject_code(jv code)
{
	return jv_get_kind(code) == JV_KIND_STRING && outcome_is_code(
	    jv_string_value(code), (size_t)jv_string_length_bytes(
	    jv_copy(code)));
}

/* `why` is an error of the filter. If reject() of the module etl has raised it,
 * rejects the record with the code and message given there and returns true. */
static bool
reject_by_object(jv why, struct outcome *o)
{
	jv kind, code, message, pointer;
	bool own;

	if (jv_get_kind(why) != JV_KIND_OBJECT)
		return false;
	kind = jv_object_get(jv_copy(why), jv_string("@etl"));
	code = jv_object_get(jv_copy(why), jv_string("code"));
	message = jv_object_get(jv_copy(why), jv_string("message"));
	pointer = jv_object_get(jv_copy(why), jv_string("pointer"));
	own = jv_get_kind(kind) == JV_KIND_STRING &&
	    strcmp(jv_string_value(kind), "reject") == 0 &&
	    is_reject_code(code) && jv_is_valid(message);
	if (own) {
		outcome_reject(o, jv_string_value(code), "%s", "");
		append_value_as_reject_text(&o->message, message);
		if (jv_get_kind(pointer) == JV_KIND_STRING)
			append_value_as_reject_text(&o->pointer, pointer);
	}
	jv_free(kind);
	jv_free(code);
	jv_free(message);
	jv_free(pointer);
	return own;
}

static void
reject_and_free_error_unless_null(jv why, struct outcome *o)
{
	if (jv_get_kind(why) != JV_KIND_NULL && !reject_by_object(why, o)) {
		outcome_reject(o, "filter", "%s", "");
		append_value_as_reject_text(&o->message, why);
	}
	jv_free(why);
}

static void
filter_run(void *self, const struct json *j, struct outcome *o)
{
	struct filter *f = self;
	bool going = true;
	jv v;

	module_forget_pending_call(&f->module);
	jq_start(f->jq, jvalue_read(&f->reader, j), 0);
	while (going && jv_is_valid(v = jq_next(f->jq))) {
		going = append_output_or_reject(f, v, o);
		jv_free(v);
	}
	if (going && jv_invalid_has_msg(jv_copy(v)))
		reject_and_free_error_unless_null(jv_invalid_get_msg(v), o);
	else if (going)
		jv_free(v);
	if (f->numbers.nomem)   /* a number may have been written wrong */
		exit_on_nomem(f);
	if (jq_halted(f->jq))
		outcome_reject(o, "filter", "the filter called halt: this "
		    "rejects the record and does not end the stream");
	if (o->code[0] != '\0') /* free the values of an unfinished run */
		jq_start(f->jq, jv_null(), 0);
}

const struct engine engine_jq = {
	.compile = filter_compile, .run = filter_run, .free = filter_free
};
