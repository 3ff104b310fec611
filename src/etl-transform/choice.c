#include "jq/filter.h"
#include "native/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The engine of --engine: the native engine, if it can run the filter, and
 * libjq. libjq runs the records that the native engine cannot run. A filter
 * with an error must be refused at the start, and libjq finds the error when it
 * compiles the filter. But compiling takes most of the start time of
 * etl-transform. So if the native engine is sure that libjq accepts the filter,
 * a worker compiles it for libjq only at the first record that needs libjq. */
struct choice {
	struct filter *jq;
	struct native *native;  /* NULL: libjq runs all records */
};

static void
choice_free(void *self)
{
	struct choice *c = self;

	if (c == NULL)
		return;
	filter_free(c->jq);
	native_free(c->native);
	free(c);
}

/* Writes the line and column of `at`, a place in the filter, to text: " (line
 * 1, column 3)". If `at` is NULL or not in the filter, text becomes empty. */
static void
write_filter_place(char *text, size_t size, const char *filter, const char *at)
{
	const char *line = filter;
	unsigned int number = 1;

	text[0] = '\0';
	if (at == NULL || (uintptr_t)at < (uintptr_t)filter ||
	    (uintptr_t)at > (uintptr_t)filter + strlen(filter))
		return;
	for (const char *p = filter; p < at; p++)
		if (*p == '\n') {
			number++;
			line = p + 1;
		}
	(void)snprintf(text, size, " (line %u, column %u)", number,
	    (unsigned int)(at - line) + 1);
}

/* Fails if --engine native is given and the native engine cannot run the
 * filter. With --explain, prints which engine runs it. */
static int
explain_choice(const struct engine_conf *conf, const struct lacks *lacks,
    bool native, struct err *e)
{
	char place[64];

	write_filter_place(place, sizeof(place), conf->text, lacks->at);
	if (conf->choice == ENGINE_NATIVE && !native)
		return err_set(e, ERR_CONFIG, false, "--engine native cannot "
		    "run this filter: it lacks %s%s", lacks->what, place);
	if (!conf->explain)
		return 0;
	err_printf("etl-transform: %s runs the filter%s%s%s\n",
	    native ? "the native engine" : "libjq",
	    native ? "" : conf->choice == ENGINE_JQ ? ": --engine jq" :
	    ": the native engine lacks ", native ? "" : lacks->what,
	    native ? "" : place);
	return 0;
}

int
engine_choice_parse(
    enum engine_choice *choice, const char *name, struct err *e)
{
	static const char *const names[] = {
		[ENGINE_AUTO] = "auto", [ENGINE_NATIVE] = "native",
		[ENGINE_JQ] = "jq"
	};

	*choice = ENGINE_AUTO;
	for (unsigned int i = 0; name != NULL; i++) {
		if (i == sizeof(names) / sizeof(names[0]))
			return err_set(e, ERR_USAGE, false,
			    "--engine %s: use auto, native or jq", name);
		if (strcmp(name, names[i]) == 0) {
			*choice = (enum engine_choice)i;
			break;
		}
	}
	return 0;
}

/* Compiles the filter for the native engine and, where this cannot wait, for
 * libjq. Sets *native to 1 if the native engine can run the filter; otherwise
 * *lacks says what it cannot run. */
static int
compile(struct choice *c, const struct engine_conf *conf, struct lacks *lacks,
    int *native, struct err *e)
{
	bool first = conf->choice != ENGINE_JQ && !conf->limits_are_small &&
	    native_may_go_first(conf);

	if (filter_prepare(&c->jq, conf, e) == -1 ||
	    (!first && filter_compile(c->jq, e) == -1))
		return -1;
	if (conf->choice != ENGINE_JQ &&
	    (*native = native_compile(&c->native, conf, lacks, e)) == -1)
		return -1;
	return first && (*native == 0 || lacks->doubtful) ?
	    filter_compile(c->jq, e) : 0;
}

static int
choice_compile(void **self, const struct engine_conf *conf, struct err *e)
{
	struct choice *c = calloc(1, sizeof(*c));
	struct lacks lacks = { .at = NULL };
	int native = 0;

	if (c == NULL)
		return err_nomem(e);
	if (compile(c, conf, &lacks, &native, e) == -1 ||
	    explain_choice(conf, &lacks, native > 0, e) == -1) {
		choice_free(c);
		return -1;
	}
	*self = c;
	return 0;
}

static void
choice_run(void *self, const struct json *j, struct outcome *o)
{
	struct choice *c = self;

	if (c->native == NULL || !native_run(c->native, j, o))
		filter_run(c->jq, j, o);
}

const struct engine engine_choice = {
	.compile = choice_compile, .run = choice_run, .free = choice_free
};
