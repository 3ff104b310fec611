#include "jq/filter.h"

#include "base/buf.h"
#include "base/text.h"
#include "engine/filter_source.h"
#include "etl_module.h"

#include <ctype.h>
#include <errno.h>
#include <jq.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text that libjq compiles: the user's filter and, between its imports and
 * the rest, those definitions of the module etl that the filter mentions.
 * Gives: program_build() makes the text. The definitions add no line, so that
 *        libjq reports the user's line numbers. program_put_message() removes
 *        the definitions from an error message of libjq.
 * Fails: program_build() if memory is out. */

struct program {
	struct buf text;
	size_t at, added;       /* place and length of the definitions */
	bool may_call_debug;
};

static const char tag_placeholder[] = "@TAG";
/* jq code that is inserted at the start of each function of the module etl, if
 * the user's filter may call debug too. A function of the module passes its
 * arguments to C with debug. Before them it passes the string "TAG:call", where
 * TAG is random, so that C does not take them for values that the user's filter
 * prints. */
static const char announce[] = "(\"@TAG:call\" | debug) as $_ | ";

/* Appends the jq code p[0..n) to b and replaces each "@TAG" in it by `tag`, the
 * random text with which the names of internal calls begin. */
static void
put_tagged(struct buf *b, const char *p, size_t n, const char *tag)
{
	const char *end = p + n, *at;

	while ((at = memmem(p, (size_t)(end - p), tag_placeholder,
	    sizeof(tag_placeholder) - 1)) != NULL) {
		buf_add(b, p, (size_t)(at - p));
		buf_str(b, tag);
		p = at + sizeof(tag_placeholder) - 1;
	}
	buf_add(b, p, (size_t)(end - p));
}

static bool
contains_name(const char *text, const char *name, size_t n)
{
	return memmem(text, strlen(text), name, n) != NULL;
}

/* Appends the definitions (def to_int: ...;) of those functions of the
 * module etl whose names occur in the filter. With a prefix x, from `import
 * "etl" as x`, the function is defined as x::to_int. */
static void
put_definitions(struct program *p, const struct engine_conf *c, const char *tag,
    const char *prefix, size_t len)
{
	const char *line = etl_module, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		const char *name = line + 4;
		size_t n = strcspn(name, "(:");

		if (!contains_name(c->text, name, n))
			continue;
		buf_str(&p->text, "def ");
		buf_add(&p->text, prefix, len);
		if (len > 0)
			buf_str(&p->text, "::");
		n = (size_t)(strstr(name, ": ") + 2 - name);
		buf_add(&p->text, name, n);
		if (p->may_call_debug)
			put_tagged(&p->text, announce, sizeof(announce) - 1,
			    tag);
		put_tagged(&p->text, name + n, (size_t)(end - name) - n, tag);
	}
}

/* Replaces jq's function modulemeta, which would read a file while the filter
 * runs. */
static const char no_modulemeta[] = "def modulemeta: error(\"modulemeta: a "
    "filter cannot read files\"); ";

/* Returns true if the user's filter may call jq's function debug. With -L
 * always: a module may call it. */
static bool
program_may_call_debug(const struct engine_conf *c)
{
	return c->dirs.n > 0 || contains_name(c->text, "debug", 5);
}

/* Returns true if the user's filter may call to_timestamp(ZONE). */
static bool
program_may_use_zones(const struct engine_conf *c)
{
	static const char name[] = "to_timestamp";
	const char *p = c->text;

	while ((p = strstr(p, name)) != NULL) {
		p = directive_skip_space(p + sizeof(name) - 1);
		if (*p == '(')
			return true;
	}
	return false;
}

/* Appends the directive to the text for libjq. But an import of the module etl
 * is replaced by spaces, because libjq would search for a file etl.jq. Its line
 * ends are kept, so that libjq reports the right line numbers. */
static void
put_directive(struct program *p, const struct directive *d)
{
	if (!directive_imports_etl(d)) {
		buf_add(&p->text, d->start, (size_t)(d->end - d->start));
		return;
	}
	for (const char *q = d->start; q < d->end; q++)
		buf_char(&p->text, *q == '\n' ? '\n' : ' ');
}

static int
program_build(struct program *p, const struct engine_conf *c,
    const char *tag, struct err *e)
{
	const char *start = c->text, *at;
	struct directive d;

	*p = (struct program){ .may_call_debug = program_may_call_debug(c) };
	buf_init(&p->text, UINT32_MAX);
	for (; directive_parse(directive_skip_space(start), &d);
	     start = d.end) {
		buf_add(&p->text, start, (size_t)(d.start - start));
		put_directive(p, &d);
	}
	p->at = p->text.len;
	for (at = c->text;
	     directive_parse(directive_skip_space(at), &d);
	     at = d.end)
		if (directive_imports_etl(&d))
			put_definitions(p, c, tag, d.name, d.name_len);
	if (c->std)
		put_definitions(p, c, tag, "", 0);
	if (contains_name(c->text, "modulemeta", 10))
		buf_str(&p->text, no_modulemeta);
	p->added = p->text.len - p->at;
	buf_str(&p->text, start);
	return buf_check(&p->text, e);
}

static void
program_release(struct program *p)
{
	buf_release(&p->text);
}

/* Appends an error message of libjq, but not the spaces that libjq leaves at
 * the ends of its lines. */
static void
add_trimmed_lines(struct buf *b, const char *p, size_t n)
{
	for (const char *end = p + n; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *next = lf != NULL ? lf + 1 : end;
		const char *last = lf != NULL ? lf : end;

		while (lf != NULL && last > p && last[-1] == ' ')
			last--;
		buf_add(b, p, (size_t)(last - p));
		if (lf != NULL)
			buf_char(b, '\n');
		p = next;
	}
}

static bool
is_module_function(const char *name, size_t n)
{
	const char *line = etl_module, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (strcspn(line + 4, "(:") == n &&
		    memcmp(line + 4, name, n) == 0)
			return true;
	return false;
}

/* If msg, an error message of libjq, says that a function of the module etl is
 * not defined, appends the advice to give --std or to import the module. */
static void
add_import_hint(struct buf *out, const char *msg)
{
	const char *end = strstr(msg, " is not defined"), *name = end;
	size_t n;

	if (end == NULL)
		return;
	while (name > msg && !isspace((unsigned char)name[-1]))
		name--;
	if (strncmp(name, "etl::", 5) == 0)
		name += 5;
	n = strcspn(name, "/ ");
	if (name[n] == '/' && is_module_function(name, n))
		buf_printf(out, "\n%.*s is a function of the module etl: "
		    "give --std, or begin with import \"etl\" as etl;",
		    (int)n, name);
}

static void
program_put_message(const struct program *p, struct buf *out, const char *msg)
{
	const char *end = msg + strlen(msg), *at;

	while (p->added > 0 && (at = memmem(msg, (size_t)(end - msg),
	    p->text.data + p->at, p->added)) != NULL) {
		add_trimmed_lines(out, msg, (size_t)(at - msg));
		msg = at + p->added;
	}
	add_trimmed_lines(out, msg, (size_t)(end - msg));
	if (p->added == 0)
		add_import_hint(out, msg);
}

static ssize_t
write_escaped(void *cookie, const char *p, size_t n)
{
	struct buf b;
	size_t at = 0;
	ssize_t written = 0;

	buf_init(&b, SIZE_MAX / 2);
	text_show_lines(&b, p, n, "");
	while (!b.failed && at < b.len && written != -1) {
		written = write(STDERR_FILENO, b.data + at, b.len - at);
		if (written == -1 && errno == EINTR)
			written = 0;
		if (written > 0)
			at += (size_t)written;
	}
	buf_release(&b);
	return written == -1 ? 0 : (ssize_t)n;
}

/* If standard error is a terminal, replaces the stream stderr by one that
 * escapes control characters, also in text that libjq prints itself. libjq
 * before version 1.7 prints with the C stream stderr. So on a terminal the
 * stream is replaced by one that escapes control characters; glibc allows
 * this. */
static int
stderr_escape(struct err *e)
{
	const cookie_io_functions_t functions = { .write = write_escaped };
	FILE *f;

	if (isatty(STDERR_FILENO) != 1)
		return 0;
	if ((f = fopencookie(NULL, "w", functions)) == NULL)
		return err_nomem(e);
	(void)setvbuf(f, NULL, _IONBF, 0);
	stderr = f;
	return 0;
}

/* Prints the buffer to standard error and releases it. */
static void
stderr_print(struct buf *b)
{
	if (!b->failed)
		(void)fwrite(b->data, 1, b->len, stderr);
	buf_release(b);
}

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
