/* etl-checkpoint reads and changes checkpoints. A checkpoint is a stored
 * value, such as a time, up to which a pipeline has loaded all records.
 *
 * main.c            reads the options and finds the sub-command: get, set,
 *                   clear or list.
 * save_command      the sub-command save: a program of a pipeline that writes
 *                   checkpoints to a state file, and decides when.
 * store             where checkpoints are kept: in the database or in a state
 *                   file. */
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "base/text.h"
#include "control/statefile.h"
#include "json/write.h"
#include "checkpoint.h"
#include "stream/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The sub-commands get, set, clear and list. */

enum { TEXT = 1 << 30 };

/* Prints the value of a checkpoint byte for byte, for scripts. If standard
 * output is a terminal, control characters are escaped. */
static int
print_value(struct command *c, const char *value, struct err *e)
{
	struct buf b;
	int rc;

	if (isatty(STDOUT_FILENO) != 1)
		return out_write_line(c->out, value, strlen(value), e);
	buf_init(&b, TEXT);
	text_show(&b, value, strlen(value));
	rc = buf_check(&b, e) == -1 ? -1 :
	    out_write_line(c->out, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

static int
get_command(struct command *c, struct err *e)
{
	const char *name = c->args[0];
	int64_t version;
	char *value;
	int rc;

	if (c->store->get(c, name, &value, &version, e) == -1)
		return -1;
	if (value != NULL)
		rc = print_value(c, value, e);
	else
		rc = err_set(e, ERR_LIMIT, false, "%s: this checkpoint has "
		    "no value: etl-checkpoint clear has removed it", name);
	free(value);
	return rc;
}

static int
set_command(struct command *c, struct err *e)
{
	const char *value = c->args[1];

	if (*value == '\0')
		return err_set(e, ERR_USAGE, false, "set: the value is empty: "
		    "to remove a value, use clear");
	if (utf8_valid_length(value, strlen(value)) != strlen(value))
		return err_set(e, ERR_USAGE, false, "set: the value is not "
		    "UTF-8: convert it, for example with iconv");
	return c->store->set(c, c->args[0], value, e);
}

static int
clear_command(struct command *c, struct err *e)
{
	return c->store->set(c, c->args[0], NULL, e);
}

struct list {
	bool as_json;
	struct buf text;        /* the lines of the list */
	struct buf json;
};

static void
put_padded_cell(struct buf *b, const char *s, size_t width)
{
	size_t start = b->len;

	text_show(b, s, strlen(s));
	while (b->len < start + width && !b->failed)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

static void
put_row(struct list *l, const struct checkpoint *p)
{
	char seconds[21] = "-";

	if (p->updated_at != NULL && strlen(p->updated_at) > 19) {
		memcpy(seconds, p->updated_at, 19);
		seconds[19] = 'Z';
		seconds[20] = '\0';
	}
	if (l->text.len == 0)
		buf_str(&l->text, "NAME                 VERSION UPDATED"
		    "              VALUE\n");
	put_padded_cell(&l->text, p->name, 20);
	buf_printf(&l->text, "%7lld ", (long long)p->version);
	put_padded_cell(&l->text, seconds, 20);
	if (p->value != NULL)
		text_show(&l->text, p->value, strlen(p->value));
	else
		buf_str(&l->text, "(none)");
}

/* Appends a checkpoint as a JSON object. text_show() escapes control
 * characters, such as U+009B, that a terminal could obey. In JSON text they
 * occur only inside strings, where the escape \u009b means the same
 * character. */
static int
put_json(struct list *l, const struct checkpoint *p, struct err *e)
{
	struct buf *b = &l->json;

	buf_clear(b);
	buf_char(b, '{');
	json_put_text(b, "name", p->name);
	if (p->value != NULL)
		json_put_text(b, "value", p->value);
	else
		json_put_raw(b, "value", "null", 4);
	json_put_int(b, "version", p->version);
	if (p->seq > 0)
		json_put_int(b, "seq", p->seq);
	if (p->run != NULL)
		json_put_text(b, "run", p->run);
	if (p->updated_at != NULL)
		json_put_text(b, "updated_at", p->updated_at);
	buf_char(b, '}');
	text_show(&l->text, b->data, b->len);
	return buf_check(b, e);
}

/* Appends the checkpoint as a row of the table or, with --json, as an
 * object. */
static int
list_append(void *self, const struct checkpoint *p, struct err *e)
{
	struct list *l = self;

	if (!l->as_json)
		put_row(l, p);
	else if (put_json(l, p, e) == -1)
		return -1;
	buf_char(&l->text, '\n');
	return buf_check(&l->text, e);
}

void
store_print_none(const char *store_name)
{
	if (isatty(STDERR_FILENO) == 1)
		err_printf("etl-checkpoint: list: no checkpoint "
		    "in %s\n", store_name);
}

/* Collects the whole list in memory, and prints it after the database or state
 * file was closed: a slow reader of standard output must not keep the database
 * open. */
int
list_command(struct command *c, struct err *e)
{
	struct list l = { .as_json = c->opts->json };
	int rc;

	buf_init(&l.text, TEXT);
	buf_init(&l.json, TEXT);
	rc = c->store->list(c, list_append, &l, e);
	if (rc == 0)
		rc = out_write_part(c->out, l.text.data, l.text.len, e);
	buf_release(&l.text);
	buf_release(&l.json);
	return rc;
}

static const char usage[] =
    "usage: etl-checkpoint get [--control-schema NAME]\n"
    "           [--db URL | --state file:PATH] NAME\n"
    "       etl-checkpoint set [--control-schema NAME]\n"
    "           [--db URL | --state file:PATH] NAME VALUE\n"
    "       etl-checkpoint clear [--control-schema NAME]\n"
    "           [--db URL | --state file:PATH] NAME\n"
    "       etl-checkpoint list [--control-schema NAME]\n"
    "           [--db URL | --state file:PATH] [--json]\n"
    "       etl-checkpoint save [--marked] [--max-record SIZE]\n"
    "           [--no-marks] --state file:PATH";

#define AT(field) offsetof(struct checkpoint_opts, field)
static const struct opt options[] = {
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	{ "json", OPT_FLAG, AT(json), NULL,
	    "write a JSON object for each checkpoint", NULL, 0 },
	OPTION_MARKED(AT(marked)),
	OPTION_MAX_RECORD(AT(max_record)),
	{ "no-marks", OPT_FLAG, AT(no_marks), NULL,
	    "write only records and rejects, no other marks", NULL, 0 },
	OPTION_STATE(AT(state)),
};
#undef AT

static const struct opt_spec spec = {
	.program = "etl-checkpoint", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0])
};

enum takes { DB = 1, JSON = 2, SAVE = 4 };

struct verb {
	const char *name;
	int (*run)(struct command *c, struct err *e);
	unsigned takes;
	int operands;
};

static const struct verb verbs[] = {
	{ "get", get_command, DB, 1 },
	{ "set", set_command, DB, 2 },
	{ "clear", clear_command, DB, 1 },
	{ "list", list_command, DB | JSON, 0 },
	{ "save", save_command, SAVE, 0 },
};

static const struct verb *
find_verb(const char *name, struct err *e)
{
	struct suggestion near = { .typed = name };

	for (size_t i = 0; name != NULL &&
	    i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
		suggest_try(&near, verbs[i].name);
	}
	(void)err_set(e, ERR_USAGE, false, name != NULL ?
	    "%s: there is no such command" : "no command was given", name);
	suggest_put(e, &near, "");
	return NULL;
}

static int
check_options(const struct verb *v, const struct checkpoint_opts *o,
    struct err *e)
{
	const struct { const char *name; unsigned kind; bool given; } all[] = {
		{ "db", DB, o->db != NULL },
		{ "control-schema", DB, o->control_schema != NULL },
		{ "json", JSON, o->json },
		{ "marked", SAVE, o->marked },
		{ "max-record", SAVE, o->max_record > 0 },
		{ "no-marks", SAVE, o->no_marks },
	};
	enum json_members unused;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given && (v->takes & all[i].kind) == 0)
			return err_set(e, ERR_USAGE, false,
			    "%s: the option --%s cannot be used with this "
			    "command", v->name, all[i].name);
	if (o->db != NULL && o->state != NULL)
		return err_set(e, ERR_USAGE, false,
		    "%s: give only one of --db and --state", v->name);
	if (o->control_schema != NULL && o->state != NULL)
		return err_set(e, ERR_USAGE, false, "%s: a state file has no "
		    "schema: give only one of --control-schema and --state",
		    v->name);
	if (o->max_record > 0 &&
	    record_options_check(o->max_record, NULL, &unused, e) == -1)
		return -1;
	if (o->state == NULL && (v->takes & DB) == 0)
		return err_set(e, ERR_USAGE, false,
		    "%s: --state file:PATH is missing", v->name);
	return 0;
}

/* Checks the options and operands, and selects the store: the file of --state,
 * or else the database. */
static int
select_store(const struct verb *v, struct command *c, int n, struct err *e)
{
	const struct checkpoint_opts *o = c->opts;

	static const char *const wants[] = { "takes no operands",
	    "give one operand, the NAME",
	    "give two operands, the NAME and the VALUE" };

	if (v == NULL || check_options(v, o, e) == -1)
		return -1;
	if (n != v->operands)
		return err_set(e, ERR_USAGE, false, "%s: %s", v->name,
		    wants[v->operands]);
	if (n > 0 &&
	    checkpoint_check_name(c->args[0], strlen(c->args[0]), e) == -1)
		return -1;
	c->store = o->state != NULL ? &store_file : &store_db;
	return o->state == NULL ? 0 : statefile_parse(&c->path, o->state, e);
}

/* Runs the verb and flushes its output. save does so itself. */
static int
run_verb(const struct verb *v, struct command *c, struct err *e)
{
	int rc;

	if (v->run == save_command)
		return save_command(c, e);
	if (out_open(&c->out, STDOUT_FILENO, "standard output", e) == -1)
		return -1;
	rc = v->run(c, e);
	if (rc == 0)
		rc = out_flush(c->out, e);
	out_free(c->out);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct checkpoint_opts o = { 0 };
	struct stdfd fds;
	struct command c = { .opts = &o, .fds = &fds };
	const struct verb *v = NULL;
	struct err e = { 0 };
	enum opt_result r;
	int status = 0;

	memory_trim_large();
	core_dump_forbid_all();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_RUN) {
		v = find_verb(argv[optind], &e);
		c.args = argv + optind + 1;
		if (select_store(v, &c, argc - optind - 1, &e) == -1)
			r = OPT_FAILED;
	}
	if (r == OPT_FAILED && v != NULL && v->run == save_command)
		stage_fail_early("checkpoint", &e);
	if (r != OPT_RUN)
		return opt_print_result(&spec, r, &e);
	stop_init();
	err_warn("etl-checkpoint", db_url_warning(o.db));
	if (run_verb(v, &c, &e) == -1)
		status = err_report(spec.program, &e);
	stop_raise();
	return status;
}
