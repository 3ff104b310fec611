/* etl-checkpoint reads and changes checkpoints. A checkpoint is a stored
 * value, such as a time, up to which a pipeline has loaded all records.
 *
 * main.c            reads the options and finds the sub-command.
 * value_commands    the sub-commands get, set, clear and list.
 * save_command      the sub-command save: a program of a pipeline that writes
 *                   checkpoints to a state file; checkpoint_saver decides when.
 * store             where checkpoints are kept: store_db in the database,
 *                   store_file in a state file. */
#include "store.h"

#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "base/suggest.h"
#include "control/statefile.h"
#include "stream/record_options.h"
#include "stream/stage.h"

#include <string.h>
#include <unistd.h>

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

static int
check_operands(const struct verb *v, char **args, int n, struct err *e)
{
	static const char *const wants[] = { "takes no operands",
	    "give one operand, the NAME",
	    "give two operands, the NAME and the VALUE" };

	if (n != v->operands)
		return err_set(e, ERR_USAGE, false, "%s: %s", v->name,
		    wants[v->operands]);
	return n == 0 ? 0 : checkpoint_check_name(args[0], strlen(args[0]), e);
}

/* Checks the options and operands, and selects the store: the file of --state,
 * or else the database. */
static int
select_store(const struct verb *v, struct command *c, int n, struct err *e)
{
	const struct checkpoint_opts *o = c->opts;

	if (v == NULL || check_options(v, o, e) == -1 ||
	    check_operands(v, c->args, n, e) == -1)
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
