#include "engine/filter.h"
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

/* Weak: the address is NULL with libjq before 1.7, which does not have this
 * function and prints the values of jq's stderr itself. */
void jq_set_stderr_cb(jq_state *, jq_msg_cb, void *) __attribute__((weak));

struct filter {
	const struct engine_conf *conf;
	jq_state *jq;
	struct numbers numbers;
	struct reader reader;
	struct module module;
	struct program program;         /* until the filter is compiled */
	jv args;                        /* until then, too */
	bool compiled;
	struct buf text;                /* error messages of libjq */
};

/* Appends the bytes of a string, or any other value as JSON. */
static void
add_plain_value(struct buf *b, jv v)
{
	if (jv_get_kind(v) == JV_KIND_STRING)
		buf_add(b, jv_string_value(v),
		    (size_t)jv_string_length_bytes(jv_copy(v)));
	else
		(void)jvalue_write(b, v, NULL, true);
}

/* Appends the value as text for a reject. */
static void
put_reject_text(struct buf *b, jv v)
{
	struct buf text;

	buf_init(&text, INT32_MAX);
	add_plain_value(&text, v);
	outcome_put_text(b, text.len > 0 ? text.data : "", text.len);
	b->failed |= text.failed;
	buf_release(&text);
}

/* Adds an error message. libjq calls this for each of its messages. */
static void
add_jq_error(void *self, jv message)
{
	struct filter *f = self;

	if (f->text.len > 0)
		buf_char(&f->text, '\n');
	add_plain_value(&f->text, message);
	jv_free(message);
}

/* libjq (1.7 and later) calls this when the filter calls jq's function
 * stderr. */
static void
print_stderr_value(void *self __attribute__((unused)), jv v)
{
	struct buf b;

	buf_init(&b, INT32_MAX);
	add_plain_value(&b, v);
	stderr_print(&b);
	jv_free(v);
}

/* libjq calls this when the filter calls jq's function debug. The jq code of
 * the module etl uses debug to pass a function name and arguments to C: these
 * values are stored by module_take_value(). All other values are printed. */
static void
take_debug_value(void *self, jv v)
{
	struct filter *f = self;
	struct buf b;

	if (module_take_value(&f->module, v))
		return;
	buf_init(&b, INT32_MAX);
	buf_str(&b, "[\"DEBUG:\",");
	(void)jvalue_write(&b, v, &f->numbers, true);
	buf_str(&b, "]\n");
	stderr_print(&b);
	jv_free(v);
}

/* Called by jq's `input`: runs the function of module etl that the filter has
 * just named with jq's `debug`. If it has named none, no input is left. */
static jv
run_module_call(jq_state *jq __attribute__((unused)), void *self)
{
	struct filter *f = self;
	jv v;

	return module_run_call(&f->module, &v) ? v : jv_invalid();
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
	/* Some versions of libjq also search for modules in the folder of the
	 * program ("origin"). Set it to the first folder of -L, so that no
	 * other folder is searched. */
	origin = f->conf->dirs.n == 0 ? jv_string("/") :
	    jv_array_get(jv_copy(dirs), 0);
	jq_set_attr(f->jq, jv_string("JQ_LIBRARY_PATH"), dirs);
	jq_set_attr(f->jq, jv_string("JQ_ORIGIN"), jv_copy(origin));
	jq_set_attr(f->jq, jv_string("PROGRAM_ORIGIN"), origin);
	return 0;
}

static int
prepare(struct filter *f, struct err *e)
{
	if (filter_imports_check(f->conf, e) == -1 || stderr_escape(e) == -1)
		return -1;
	if ((f->jq = jq_init()) == NULL)
		return err_nomem(e);
	jq_set_nomem_handler(f->jq, exit_on_nomem, f);
	jq_set_error_cb(f->jq, add_jq_error, f);
	jq_set_debug_cb(f->jq, take_debug_value, f);
	if (jq_set_stderr_cb != NULL)
		jq_set_stderr_cb(f->jq, print_stderr_value, f);
	jq_set_input_cb(f->jq, run_module_call, f);
	if (module_init(&f->module, &f->numbers,
	    program_may_call_debug(f->conf), e) == -1 ||
	    (program_may_use_zones(f->conf) &&
	    zone_files_read_all(&f->module.zone_files, e) == -1) ||
	    set_library_folders(f, e) == -1 ||
	    jvalue_read_args(
		&f->args, f->conf->args, f->conf->nargs, e) == -1)
		return -1;
	return program_build(&f->program, f->conf, f->module.tag, e);
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	if (f->jq != NULL)
		jq_teardown(&f->jq);
	jv_free(f->args);
	program_release(&f->program);
	module_release(&f->module);
	reader_release(&f->reader);
	numbers_release(&f->numbers);
	buf_release(&f->text);
	free(f);
}

int
filter_prepare(
    struct filter **out, const struct engine_conf *c, struct err *e)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	f->conf = c;
	numbers_init(&f->numbers);
	reader_init(&f->reader, &f->numbers);
	buf_init(&f->text, INT32_MAX);
	f->args = jv_null();
	if (prepare(f, e) == -1) {
		filter_free(f);
		return -1;
	}
	*out = f;
	return 0;
}

static int
set_compile_error(struct filter *f, struct err *e)
{
	struct buf message;

	buf_init(&message, MESSAGE_MAX);
	program_put_message(&f->program, &message, buf_text(&f->text));
	(void)err_set(e, ERR_CONFIG, false, "filter: %s", buf_text(&message));
	buf_release(&message);
	return -1;
}

int
filter_compile(struct filter *f, struct err *e)
{
	buf_clear(&f->text);
	if (!jq_compile_args(
		f->jq, buf_text(&f->program.text), jv_copy(f->args)))
		return set_compile_error(f, e);
	buf_clear(&f->text);
	program_release(&f->program);
	jv_free(f->args);
	f->args = jv_null();
	f->compiled = true;
	return 0;
}

static void
reject_unwritable(struct outcome *o, enum write_result r)
{
	if (r == WRITE_DEEP)
		outcome_reject(o, "depth", "the filter made an object nested "
		    "deeper than %d levels", (int)JSON_DEPTH_MAX);
	else if (r == WRITE_VAGUE)
		outcome_reject(o, "number",
		    "two different numbers are the same double, so it is "
		    "unknown which one the filter writes; use --lossy-numbers "
		    "to write the rounded number");
}

/* Appends an output of the filter, or rejects the record and returns false. */
static bool
put_output(struct filter *f, jv v, struct outcome *o)
{
	size_t from = o->out.len;
	enum write_result r;

	if (jv_get_kind(v) != JV_KIND_OBJECT) {
		outcome_reject_type(o, jv_kind_name(jv_get_kind(v)));
		return false;
	}
	r = jvalue_write(&o->out, v, &f->numbers, f->conf->lossy);
	if (r != WRITE_DONE && !o->out.failed)
		reject_unwritable(o, r);
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
		put_reject_text(&o->message, message);
		if (jv_get_kind(pointer) == JV_KIND_STRING)
			put_reject_text(&o->pointer, pointer);
	}
	jv_free(kind);
	jv_free(code);
	jv_free(message);
	jv_free(pointer);
	return own;
}

/* Rejects the record for the error `why` of the filter, unless it is null.
 * Frees it. */
static void
reject_error(jv why, struct outcome *o)
{
	if (jv_get_kind(why) != JV_KIND_NULL && !reject_by_object(why, o)) {
		outcome_reject(o, "filter", "%s", "");
		put_reject_text(&o->message, why);
	}
	jv_free(why);
}

/* Compiles the filter for libjq, unless it is compiled already. The native
 * engine has run the earlier records, because it was sure that libjq accepts
 * the filter. So it is a bug in this program if libjq refuses the filter
 * now. */
static bool
compile_late(struct filter *f, struct outcome *o)
{
	struct err e = { .code = ERR_NONE };

	if (f->compiled || filter_compile(f, &e) == 0)
		return true;
	outcome_reject(o, "filter", "bug in this program: libjq refuses a "
	    "filter that the native engine runs; please report it: %s", e.msg);
	return false;
}

/* Runs the filter on the record. Returns false if the filter has computed with
 * a number that its double does not hold. */
static bool
run_once(struct filter *f, const struct json *j, struct outcome *o)
{
	bool going = true;
	jv v;

	module_forget_call(&f->module);
	jq_start(f->jq, jvalue_read(&f->reader, j), 0);
	while (going && jv_is_valid(v = jq_next(f->jq))) {
		going = put_output(f, v, o);
		jv_free(v);
	}
	if (going && jv_invalid_has_msg(jv_copy(v)))
		reject_error(jv_invalid_get_msg(v), o);
	else if (going)
		jv_free(v);
	if (f->numbers.nomem)   /* a number may have been written wrong */
		exit_on_nomem(f);
	if (jq_halted(f->jq))
		outcome_reject(o, "filter", "the filter called halt: this "
		    "rejects the record and does not end the stream");
	if (o->code[0] != '\0') /* free the values of an unfinished run */
		jq_start(f->jq, jv_null(), 0);
	return !jvalue_take_computed();
}

/* If the filter has computed with a number that has not its nearest double,
 * because the record has other numbers with this double, it is run again with
 * the nearest double, as in jq. Without --lossy-numbers this is right only if
 * the double holds the number. */
void
filter_run(struct filter *f, const struct json *j, struct outcome *o)
{
	bool exact;

	if (!compile_late(f, o))
		return;
	(void)jvalue_take_computed();
	exact = run_once(f, j, o);
	if (!exact && f->numbers.displaced) {
		outcome_clear(o);
		f->numbers.rounded = true;
		exact = run_once(f, j, o);
		f->numbers.rounded = false;
	}
	if (!exact && !f->conf->lossy)
		outcome_reject(o, "number", "the filter computes with a number "
		    "that no double holds, so its result would be wrong; use "
		    "--lossy-numbers to compute with the rounded number");
}
