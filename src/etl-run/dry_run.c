#include "dry_run.h"

#include "base/shell_word.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLAN = 16 << 20 };

/* Appends the duration in the largest unit that divides it: 90000 ms become
 * "90s", because they are not whole minutes. */
static void
put_duration(struct buf *b, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *unit;
	} units[] = {
		{ 86400000, "d" }, { 3600000, "h" }, { 60000, "m" },
		{ 1000, "s" }, { 1, "ms" }
	};
	size_t i = 0;

	while (ms == 0 || ms % units[i].ms != 0)
		if (++i == sizeof(units) / sizeof(units[0]) - 1)
			break;
	buf_printf(b, "%" PRIu64 "%s", ms / units[i].ms, units[i].unit);
}

static void
put_script_command(struct buf *b, const struct script *s)
{
	buf_str(b, "\nrun:");
	for (size_t i = 0; s->argv[i] != NULL; i++) {
		buf_char(b, ' ');
		put_shell_word(b, s->argv[i]);
	}
}

static void
put_database(struct buf *b, const char *url)
{
	static const char sqlite[] = "sqlite:";
	enum { SQLITE = sizeof(sqlite) - 1 };
	struct buf variables;

	buf_str(b, "\ndatabase: ");
	db_url_put_public(b, url);
	if (strncmp(url, sqlite, SQLITE) == 0 &&
	    access(url + SQLITE, F_OK) == -1)
		buf_str(b, " (will be created)");
	buf_init(&variables, PLAN);
	db_url_put_env(&variables, url);
	if (variables.len > 0)
		buf_printf(b, "\nof the database:%s", buf_text(&variables));
	b->failed |= variables.failed;
	buf_release(&variables);
}

static void
put_schedule(struct buf *b, const struct job *j)
{
	buf_str(b, "\nschedule: ");
	if (j->every > 0) {
		buf_str(b, "now, then every ");
		put_duration(b, j->every);
	} else {
		buf_str(b, "once");
	}
	if (j->jitter > 0) {
		buf_str(b, j->every > 0 ? ", each up to " : ", up to ");
		put_duration(b, j->jitter);
		buf_str(b, " later");
	}
	buf_str(b, "\ntime-out: ");
	if (j->timeout > 0)
		put_duration(b, j->timeout);
	else
		buf_str(b, "none");
	buf_printf(b, "\nretries: %" PRIu64, j->retry.max);
	if (j->retry.max > 0) {
		buf_str(b, " after exit code 75, waiting ");
		put_duration(b, j->retry.base);
		buf_str(b, "..");
		put_duration(b, j->retry.cap);
	}
}

static int
put_plan(struct buf *b, const struct job *j, struct err *e)
{
	if (db_url_check(j->url, e) == -1)
		return -1;
	buf_printf(b, "name: %s", j->name);
	put_script_command(b, &j->script);
	put_database(b, j->url);
	if (j->schema != NULL) {
		buf_str(b, "\ncontrol schema: ");
		put_shell_word(b, j->schema);
	}
	buf_str(b, "\nenvironment: DATABASE_URL ETL_RUN ETL_PIPELINE "
	    "ETL_ATTEMPT ETL_REPORTS TRACEPARENT");
	if (j->schema != NULL)
		buf_str(b, " ETL_CONTROL_SCHEMA");
	if (*j->env_names != '\0')
		buf_printf(b, "\nfrom --env-file:%s", j->env_names);
	put_schedule(b, j);
	if (j->on_failure != NULL) {
		buf_str(b, "\non failure: /bin/sh -c ");
		put_shell_word(b, j->on_failure);
	}
	if (lock_put(b, j->url, j->name, e) == -1)
		return -1;
	buf_char(b, '\n');
	return buf_check(b, e);
}

int
dry_run_print(const struct job *j)
{
	struct err e = { 0 };
	struct buf b;
	int code = 0;

	buf_init(&b, PLAN);
	if (put_plan(&b, j, &e) == -1)
		code = err_report("etl-run", &e);
	else if (fwrite(b.data, 1, b.len, stdout) != b.len ||
	    fflush(stdout) == EOF)
		code = (err_errno(&e, ERR_IO, "standard output"),
		    err_report("etl-run", &e));
	buf_release(&b);
	return code;
}
