#include "db/driver.h"

#include "base/clock.h"
#include "base/stop.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STOP_MS = 1500 };

/* Finds out why SQLite could not open a database file. If the file is missing
 * and cannot be created, SQLite reports only ENOENT. So this function tries to
 * create the file itself and returns the errno of that try, such as EACCES. */
int
fault_open_errno(const char *path, int given_errno)
{
	int fd;

	if (given_errno != ENOENT)
		return given_errno;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno;
	(void)close(fd);
	return given_errno;
}

const char *
fault_create_advice(int number)
{
	return number == ENOENT ? ": the folder of the file must exist" : "";
}

bool
fault_missing_file(const char *path, int given_errno, struct err *e)
{
	if (given_errno != ENOENT)
		return false;
	(void)err_set(e, ERR_INPUT, false, "sqlite:%s: no such file: give the "
	    "path of the database with --db or DATABASE_URL", path);
	return true;
}

void
fault_clear(struct db_fault *f)
{
	f->sqlstate[0] = f->column[0] = f->constraint[0] = '\0';
	f->line = f->position = f->kept = 0;
	f->data = f->ended = f->busy = f->late = f->again = f->lost = false;
}

static void
fault_copy_bytes(char *to, size_t size, const char *p, size_t n)
{
	if (n >= size)
		n = size - 1;
	if (n > 0)
		memcpy(to, p, n);
	to[n] = '\0';
}

void
fault_copy_text(char *to, size_t size, const char *text)
{
	fault_copy_bytes(to, size, text, strlen(text));
}

/* Sets the error from a message of the PostgreSQL server or of libpq. Such a
 * message may have several lines; they are joined into one line. */
int
fault_set_error(struct err *e, enum err_code code, bool transient,
    const char *what, const char *text, const char *detail)
{
	(void)err_set(e, code, transient, "%s%s%s%s%s", what,
	    *what == '\0' ? "" : ": ", text, *detail == '\0' ? "" : "; ",
	    detail);
	for (char *p = e->msg; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = p[1] == '\0' ? '\0' : ' ';
	return -1;
}

/* Gives each SQLSTATE (PostgreSQL's error code, see appendix A of its manual)
 * an exit code. The first row whose prefix fits is used. So the row for a full
 * code such as "08P01" stands before the row for its class "08", and the last
 * prefix, "", fits every code. */
static const struct state {
	const char *prefix;
	enum err_code code;
	bool transient, data, again;
} states[] = {
	{ "08P01", ERR_BUG, false, false, false },      /* wrong number of
	                                                 * values */
	{ "08", ERR_REFUSED, true, false, true },
	{ "0A", ERR_CONFIG, false, false, false },
	{ "22", ERR_DATA, false, true, false },
	{ "23", ERR_DATA, false, true, false },
	{ "25006", ERR_DENIED, false, false, false },
	{ "25P03", ERR_REFUSED, true, false, true },
	{ "28", ERR_DENIED, false, false, false },
	{ "3D", ERR_CONFIG, false, false, false },
	{ "3F", ERR_CONFIG, false, false, false },
	{ "40", ERR_REFUSED, true, false, true },
	{ "42501", ERR_DENIED, false, false, false },
	{ "42", ERR_CONFIG, false, false, false },
	{ "44", ERR_DATA, false, true, false },
	{ "53", ERR_REFUSED, true, false, false },
	{ "54000", ERR_DATA, false, true, false },      /* row too big */
	{ "54001", ERR_DATA, false, true, false },      /* nested too deep */
	{ "54", ERR_CONFIG, false, false, false },
	{ "55P03", ERR_REFUSED, true, false, true },
	{ "57014", ERR_REFUSED, true, false, true },
	{ "57P0", ERR_REFUSED, true, false, true },
	{ "58", ERR_REFUSED, true, false, false },
	{ "P0", ERR_DATA, false, true, false },         /* a trigger's RAISE */
	{ "XX", ERR_REFUSED, true, false, false },
	{ "", ERR_REFUSED, false, false, false },
};

enum err_code
fault_set_sqlstate(struct db_fault *f, const char *state, bool *transient)
{
	const struct state *s = states;

	fault_copy_text(f->sqlstate, sizeof(f->sqlstate), state);
	while (strncmp(s->prefix, state, strlen(s->prefix)) != 0)
		s++;
	f->data = s->data;
	f->again = s->again;
	f->busy = strcmp(state, "55P03") == 0;
	f->late = strcmp(state, "57014") == 0;
	*transient = s->transient;
	return s->code;
}

void
fault_parse_sqlstate(struct db_fault *f, const char *text, struct err *e)
{
	const char *state = strstr(text, ":  ");

	/* PgBouncer reports 08P01 for every failure, so this code says
	 * nothing. */
	if (state != NULL && strncmp(state + 3, "08P01", 5) != 0 &&
	    strspn(state + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5)
		e->code = fault_set_sqlstate(f, state + 3, &e->transient);
}

void
fault_parse_context(struct db_fault *f, const char *context)
{
	const char *p = strstr(context, ", ");
	size_t n;
	int64_t line = 0;

	if (strncmp(context, "COPY ", 5) != 0 || p == NULL)
		return;
	p += strcspn(p, "0123456789\n");
	for (; isdigit((unsigned char)*p) && line < INT64_MAX / 10 - 1; p++)
		line = line * 10 + (*p - '0');
	f->line = line;
	if (strncmp(p, ", ", 2) != 0)
		return;
	p += 2;
	p += strcspn(p, " :\n");
	n = strcspn(p, ":\n");  /* the value follows, if it came as text */
	if (*p == ' ' && n > 1 && f->column[0] == '\0')
		fault_copy_bytes(f->column, sizeof(f->column), p + 1, n - 1);
}

static bool
names_column(const char *message)
{
	return strncmp(message, "NOT NULL ", 9) == 0 ||
	    strncmp(message, "UNIQUE ", 7) == 0;
}

void
fault_parse_message(struct db_fault *f, const char *message)
{
	const char *what = strstr(message, " constraint failed: ");
	const char *column = strrchr(message, '.');

	if (what != NULL) {
		what += strlen(" constraint failed: ");
		if (strncmp(message, "NOT NULL ", 9) != 0)
			fault_copy_text(
			    f->constraint, sizeof(f->constraint), what);
		if (!names_column(message) || strchr(what, ',') != NULL)
			column = NULL;
	} else if (strncmp(message, "cannot store ", 13) != 0)
		column = NULL;
	if (column != NULL)
		fault_copy_text(f->column, sizeof(f->column), column + 1);
}

/* Sets the error for a server address that libpq cannot use. Quoted text is
 * removed from libpq's message: libpq quotes the part of a URL that it cannot
 * parse, and that part may belong to a password. */
int
fault_bad_address(struct err *e, const char *why)
{
	bool inside = false;
	size_t n = 0;

	(void)fault_set_error(e, ERR_CONFIG, false, "PostgreSQL: cannot parse "
	    "the address of the server",
	    why,
	    "in a URL, write special "
	    "characters of a password as %XX; outside a URL, put the password "
	    "in quotes");
	for (const char *p = e->msg; *p != '\0'; p++) {
		if (!inside || *p == '"')
			e->msg[n++] = *p;
		if (*p == '"')
			inside = !inside;
	}
	e->msg[n] = '\0';
	return -1;
}

/* If a password in a URL contains a "/" or "@" that is not written as %XX,
 * libpq takes the rest of the password for a host or port. Reports such a host
 * or port as an error; the message does not show the value. */
int
fault_check_option(struct err *e, const char *name, const char *value)
{
	if (value == NULL)
		return 0;
	if (strcmp(name, "port") == 0 &&
	    value[strspn(value, "0123456789, ")] != '\0')
		return fault_bad_address(e, "the port is not a number");
	if (strcmp(name, "host") == 0 && *value != '@' &&
	    strchr(value, '@') != NULL)
		return fault_bad_address(e, "the host name has an @ in it");
	return 0;
}

/* Finds the exit code for an error message that libpq itself has written. Such
 * an error has no SQLSTATE (error code of the server), so the text of the
 * message is searched for known words. */
enum err_code
fault_libpq_code(const char *text)
{
	static const char *const config[] = {
		"invalid port number", "invalid integer value",
		"definition of service", "service file", "invalid sslmode",
		/* of PgBouncer */
		"no such database", "unsupported startup parameter",
	};
	static const char *const denied[] = {
		"no password supplied", "authentication method",
		"certificate verify failed", "does not support SSL",
		"root certificate file",
		/* of PgBouncer */
		"no such user", "SASL authentication failed",
	};

	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		if (strstr(text, config[i]) != NULL)
			return ERR_CONFIG;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (strstr(text, denied[i]) != NULL)
			return ERR_DENIED;
	return ERR_NONE;
}

void
wait_limit_begin(struct wait_limit *p)
{
	p->since = clock_ms();
	p->stopped = stop_signal() != 0;
}

bool
wait_limit_stopped(const struct wait_limit *p)
{
	if (p->stopped)
		return clock_ms() - p->since > STOP_MS;
	return stop_signal() != 0;
}

bool
wait_limit_sleep(struct wait_limit *p, int tries, uint64_t ms)
{
	struct timespec t = { 0, (tries < 20 ? tries + 1 : 20) * 1000000L };

	if (tries == 0)
		wait_limit_begin(p);
	if (wait_limit_stopped(p) ||
	    (uint64_t)(clock_ms() - p->since) > ms)
		return false;
	(void)nanosleep(&t, NULL);
	return true;
}
