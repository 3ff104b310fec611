#include "base/opt.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* LETTERS is the size of the string of short options for getopt_long().
 * FIRST_LONG is the number of the first long option; it is larger than every
 * letter. OWN_OPTIONS is the number of options that every program has: --help
 * and --version. */
enum { LETTERS = 2 * 26 + 3, FIRST_LONG = 256, OWN_OPTIONS = 2 };

/* The largest size or duration. It is so small that the sum of several
 * durations and the current time fits into an int64_t. */
static const uint64_t value_max = INT64_MAX / 8;

/* Parses a number that ends in one of the units, and multiplies it by the
 * factor of that unit. A number without a unit is valid only if allows_no_unit
 * is true, or if it is 0. */
static int
parse_with_unit(uint64_t *out, const char *text, const char *const units[],
    const uint64_t factors[], bool allows_no_unit)
{
	unsigned long long v;
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return -1;
	if (*end == '\0') {
		*out = v;
		return v == 0 || (allows_no_unit && v <= INT64_MAX) ? 0 : -1;
	}
	for (size_t i = 0; units[i] != NULL; i++)
		if (strcmp(end, units[i]) == 0 &&
		    v <= value_max / factors[i]) {
			*out = v * factors[i];
			return 0;
		}
	return -1;
}

int
duration_parse(uint64_t *ms, const char *text)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", NULL };
	static const uint64_t factors[] = { 1, 1000, 60000, 3600000,
	    86400000 };

	return parse_with_unit(ms, text, units, factors, false);
}

static int
size_parse(uint64_t *bytes, const char *text)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", NULL };
	static const uint64_t factors[] = { 1 << 10, 1 << 20, 1 << 30 };

	return parse_with_unit(bytes, text, units, factors, true);
}

/* Parses a number without a unit. */
static int
parse_plain(uint64_t *n, const char *text)
{
	static const char *const none[] = { NULL };

	return parse_with_unit(n, text, none, NULL, true);
}

static int
list_add(struct opt_list *l, const char *text)
{
	const char **v = realloc(l->v, (l->n + 1) * sizeof(*v));

	if (v == NULL)
		return -1;
	l->v = v;
	l->v[l->n++] = text;
	return 0;
}

static int
store_value(const struct opt *o, void *into, const char *text)
{
	void *field = (char *)into + o->offset;

	switch (o->type) {
	case OPT_FLAG:
	case OPT_COMMAND:
		*(bool *)field = true;
		return 0;
	case OPT_STRING:
		*(const char **)field = text;
		return 0;
	case OPT_LIST:
		return list_add(field, text);
	case OPT_NUMBER:
		return parse_plain(field, text);
	case OPT_SIZE:
		return size_parse(field, text);
	case OPT_DURATION:
		return duration_parse(field, text);
	case OPT_COUNT:
		return parse_plain(field, text) == -1 ||
		    *(uint64_t *)field == 0 ? -1 : 0;
	}
	return -1;
}

static const char *
describe_type(enum opt_type t)
{
	switch (t) {
	case OPT_NUMBER:
		return "a number";
	case OPT_SIZE:
		return "a size such as 65536, 64KiB or 16MiB";
	case OPT_DURATION:
		return "a duration such as 500ms, 30s, 5m or 2h";
	case OPT_COUNT:
		return "a number from 1";
	default:
		return "a value";
	}
}

static int
read_environment(const struct opt_spec *s, void *into, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct opt *o = &s->opts[i];
		const char *text = o->env != NULL ? getenv(o->env) : NULL;

		if (text == NULL || *text == '\0')
			continue;
		if (store_value(o, into, text) == -1)
			return err_set(e, ERR_CONFIG, false,
			    "%s=%s in the environment: the value must be %s",
			    o->env, text,
			    describe_type(o->type));
	}
	return 0;
}

static bool
takes_value(const struct opt *o)
{
	return o->type != OPT_FLAG && o->type != OPT_COMMAND;
}

/* Returns the table of long options for getopt_long(), and fills `letters` with
 * the short ones. getopt_long() returns FIRST_LONG + i for the program's option
 * number i; the numbers of --help and --version follow. */
static struct option *
make_getopt_tables(const struct opt_spec *s, char letters[LETTERS])
{
	struct option *l = calloc(s->n + OWN_OPTIONS + 1, sizeof(*l));
	size_t at = 0;

	if (l == NULL)
		return NULL;
	if (s->stop)
		letters[at++] = '+';
	letters[at++] = ':';
	letters[at++] = 'h';
	for (size_t i = 0; i < s->n; i++) {
		const struct opt *o = &s->opts[i];

		l[i] = (struct option){ o->name, takes_value(o), NULL,
		    (int)(FIRST_LONG + i) };
		if (o->letter == 0 || at > LETTERS - 3)
			continue;
		letters[at++] = o->letter;
		if (takes_value(o))
			letters[at++] = ':';
	}
	letters[at] = '\0';
	l[s->n] = (struct option){ "help", 0, NULL, FIRST_LONG + (int)s->n };
	l[s->n + 1] = (struct option){ "version", 0, NULL,
	    FIRST_LONG + (int)s->n + 1 };
	return l;
}

static const struct opt *
find_option(const struct opt_spec *s, int c)
{
	if (c >= FIRST_LONG)
		return &s->opts[c - FIRST_LONG];
	for (size_t i = 0; i < s->n; i++)
		if (s->opts[i].letter == c)
			return &s->opts[i];
	return NULL;
}

static const char *
option_name(const struct opt_spec *s, size_t i)
{
	return i < s->n ? s->opts[i].name : i == s->n ? "help" : "version";
}

/* Sets the error for "--NAME" or "--NAME=VALUE" that getopt_long() refused: the
 * option is unknown, ambiguous or takes no value. */
static int
refuse_long_option(const struct opt_spec *s, const char *given, struct err *e)
{
	char typed[64];
	struct suggestion near = { .typed = typed };
	size_t length = strcspn(given + 2, "="), begin_alike = 0;

	(void)snprintf(typed, sizeof(typed), "%.*s", (int)length, given + 2);
	for (size_t i = 0; i < s->n + OWN_OPTIONS; i++) {
		const char *name = option_name(s, i);

		if (strcmp(name, typed) == 0)
			return err_set(e, ERR_USAGE, false,
			    "%s: option --%s takes no value", given, typed);
		begin_alike += strncmp(name, typed, length) == 0;
		suggest_try(&near, name);
	}
	if (begin_alike > 1)
		return err_set(e, ERR_USAGE, false, "option --%s is ambiguous: "
		    "several options begin with it; write more of its name",
		    typed);
	(void)err_set(e, ERR_USAGE, false, "unknown option --%s", typed);
	suggest_put(e, &near, "--");
	return -1;
}

/* Notes that the option was given, if the program wants to know it. */
static void
note_given(const struct opt_spec *s, void *into, const struct opt *o)
{
	if (s->is_given != 0)
		((bool *)((char *)into + s->is_given))[o - s->opts] = true;
}

/* Handles what getopt_long() has returned: stores the value of an option, or
 * sets the error of one that is not valid. */
static enum opt_result
take_option(const struct opt_spec *s, void *into, int c, char *argv[],
    struct err *e)
{
	const struct opt *o;

	if (c == ':')
		return err_set(e, ERR_USAGE, false, "%s needs a value after it",
		    argv[optind - 1]);
	if (c == '?' && strncmp(argv[optind - 1], "--", 2) == 0)
		return refuse_long_option(s, argv[optind - 1], e);
	if (c == '?')
		return err_set(e, ERR_USAGE, false, "unknown option -%c",
		    optopt);
	if (c == 'h')
		return OPT_HELP;
	if (c == FIRST_LONG + (int)s->n)
		return OPT_HELP;
	if (c == FIRST_LONG + (int)s->n + 1)
		return OPT_VERSION;
	if ((o = find_option(s, c)) == NULL)
		return err_bug(e, "getopt_long returned an option that is not "
		    "in the table");
	note_given(s, into, o);
	if (store_value(o, into, optarg) == 0)
		return OPT_RUN;
	if (o->type == OPT_LIST)        /* a list accepts every text */
		return err_nomem(e);
	return err_set(e, ERR_USAGE, false, "--%s %s: the value must be %s",
	    o->name, optarg, describe_type(o->type));
}

static bool
is_command_option(const struct opt_spec *s, int c)
{
	return c >= FIRST_LONG && (size_t)(c - FIRST_LONG) < s->n &&
	    s->opts[c - FIRST_LONG].type == OPT_COMMAND;
}

/* The words from argv[command] on are the command of option c. getopt_long()
 * was told that the command line ends before them, so the operands are the
 * words from argv[optind] to there. */
static enum opt_result
refuse_operands(const struct opt_spec *s, int c, char *argv[], int command,
    struct err *e)
{
	if (optind < command)
		return err_set(e, ERR_USAGE, false, "--%s is the last option, "
		    "and the words after it are a command: remove %s",
		    s->opts[c - FIRST_LONG].name, argv[optind]);
	return OPT_RUN;
}

enum opt_result
opt_parse(const struct opt_spec *s, void *into, int argc, char *argv[],
    struct err *e)
{
	char letters[LETTERS];
	struct option *l;
	enum opt_result r = OPT_RUN;
	int c, last = 0;

	if (read_environment(s, into, e) == -1)
		return OPT_FAILED;
	if ((l = make_getopt_tables(s, letters)) == NULL)
		return err_nomem(e);
	optind = 0;             /* glibc: forget the state of the last parse */
	opterr = 0;
	while (r == OPT_RUN &&
	    (c = getopt_long(argc, argv, letters, l, NULL)) != -1) {
		r = take_option(s, into, c, argv, e);
		if (is_command_option(s, c)) {
			last = c;
			argc = optind;
		}
	}
	free(l);
	if (r == OPT_RUN && last != 0)
		r = refuse_operands(s, last, argv, argc, e);
	return r;
}

void
opt_release(const struct opt_spec *s, void *into)
{
	for (size_t i = 0; i < s->n; i++) {
		struct opt_list *l;

		if (s->opts[i].type != OPT_LIST)
			continue;
		l = (struct opt_list *)(void *)((char *)into +
		    s->opts[i].offset);
		free(l->v);
		*l = (struct opt_list){ NULL, 0 };
	}
}

static void
print_help(const struct opt_spec *s)
{
	char left[64];

	(void)printf("%s\n\n", s->usage);
	for (size_t i = 0; i < s->n; i++) {
		const struct opt *o = &s->opts[i];
		char letter[5] = "";

		if (o->letter != 0)
			(void)snprintf(letter, sizeof(letter), "-%c, ",
			    o->letter);
		(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter,
		    o->name, o->arg != NULL ? " " : "",
		    o->arg != NULL ? o->arg : "");
		(void)printf("  %-28s %s%s%s%s\n", left, o->help,
		    o->env != NULL ? " [" : "",
		    o->env != NULL ? o->env : "", o->env != NULL ? "]" : "");
	}
	(void)printf("  %-28s show this help\n  %-28s show the version\n"
	    "\nThe manual page is: man %s\n", "-h, --help", "--version",
	    s->program);
}

int
opt_print_result(
    const struct opt_spec *s, enum opt_result r, const struct err *e)
{
	if (r == OPT_FAILED)
		return err_report(s->program, e);
	if (r == OPT_HELP)
		print_help(s);
	else
		(void)printf("%s %s\n", s->program, ETL_VERSION);
	if (r == OPT_VERSION && s->print_after_version != NULL)
		s->print_after_version();
	if (fflush(stdout) == EOF || ferror(stdout)) {
		err_note(s->program, strerror(errno));
		return EX_IOERR;
	}
	return 0;
}

int
limit_parse(
    struct limit *l, const char *option, const char *text, struct err *e)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	l->by_percent = strcmp(end, "%") == 0;
	if (!isdigit((unsigned char)text[0]) || errno != 0 ||
	    (*end != '\0' && !l->by_percent) || (l->by_percent && n > 100))
		return err_set(e, ERR_USAGE, false, "%s %.64s: not a number "
		    "or a percentage, such as 10 or 5%%", option, text);
	l->count = n;
	l->percent = l->by_percent ? (unsigned)n : 0;
	return 0;
}

uint64_t
limit_allowed(const struct limit *l, uint64_t all)
{
	return l->by_percent ?
	    all / 100 * l->percent + all % 100 * l->percent / 100 : l->count;
}
