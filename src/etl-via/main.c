/* etl-via runs a command, such as jq, on the records of a stream. A marked
 * stream also has marks: lines between the records that tell the later programs
 * about the stream.
 *
 * main.c         reads the options.
 * via            writes the records to the command and passes its output on.
 *                The command gets no marks; via passes them on itself.
 * command_input  the pipe to the command. stream/child.h runs the command. */
#include "via.h"

#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "stream/record_options.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "usage: etl-via [--duplicate-members last] [--marked] [--max-record SIZE]\n"
    "               [--max-rejects N|N%] [--ok STATUS[,...]] [--plain]\n"
    "               [--rejects FILE] [--stage NAME] CMD [ARG ...]";

struct opts {
	const char *ok, *duplicates, *stage, *rejects, *max_rejects;
	uint64_t max_record;
	bool marked, plain;
};

#define AT(field) offsetof(struct opts, field)
#define OPT(name, type, field, arg, help) \
	{ name, type, AT(field), arg, help, NULL, 0 }

static const struct opt options[] = {
	OPT("ok", OPT_STRING, ok, "STATUS[,...]",
	    "exit statuses of CMD that are not a failure (default: 0)"),
	OPTION_MAX_RECORD(AT(max_record)),
	OPTION_DUPLICATE_MEMBERS(AT(duplicates)),
	OPTION_STAGE(AT(stage)),
	OPTION_MARKED(AT(marked)),
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
};

static const struct opt_spec spec = {
	.program = "etl-via", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]), .stop = true,
};

/* Parses STATUS[,STATUS...], each from 0 to 255. */
static int
parse_ok_list(bool ok[256], const char *text)
{
	unsigned int v;

	for (const char *p = text; ; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		for (v = 0; *p >= '0' && *p <= '9' && v < 256; p++)
			v = v * 10 + (unsigned int)(*p - '0');
		if (v > 255 || (*p != ',' && *p != '\0'))
			return -1;
		ok[v] = true;
		if (*p == '\0')
			return 0;
	}
}

static int
check_options(struct via_opts *v, const struct opts *o, struct err *e)
{
	if (v->argv[0] == NULL)
		return err_set(e, ERR_USAGE, false, "no CMD: give a command, "
		    "such as etl-via jq -c FILTER");
	if (parse_ok_list(v->ok, o->ok) == -1)
		return err_set(e, ERR_USAGE, false, "--ok %s: must be exit "
		    "statuses from 0 to 255, with commas between them", o->ok);
	return record_options_check(
	    o->max_record, o->duplicates, &v->dup, e);
}

static int
run_stage(const struct opts *o, const struct stdfd *fds, char *argv[],
    struct err *e)
{
	const struct stage_conf conf = { .name = "via", .stage = o->stage,
	    .plain = o->plain, .marked = o->marked,
	    .rejects = o->rejects, .max_rejects = o->max_rejects,
	    .max_record = o->max_record, .fds = fds };
	struct via_opts v = { .argv = argv, .plain = o->plain,
	    .max_record = o->max_record };
	struct stage *s;
	int rc = -1;

	if (stage_open(&s, &conf, e) == -1) {
		stage_fail_early(conf.name, e);
		return -1;
	}
	if (check_options(&v, o, e) == 0)
		rc = via_run(s, &v, e);
	if (rc == -1)
		stage_fail(s, e);
	stage_close(s);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct opts o = { .ok = "0", .max_record = LINES_MAX };
	struct err e = { .code = ERR_NONE };
	struct stdfd fds;
	enum opt_result r;
	int status = 0;

	memory_trim_large();
	core_dump_forbid();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_FAILED)
		stage_fail_early("via", &e);
	if (r != OPT_RUN)
		return opt_print_result(&spec, r, &e);
	stop_init();
	if (run_stage(&o, &fds, argv + optind, &e) == -1)
		status = err_report(spec.program, &e);
	stop_raise();
	return status;
}
