#include "jq_args.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
find_option_kind(const char *option, enum arg_kind *kind)
{
	static const char *const names[] = {
		[ARG_TEXT] = "--arg", [ARG_JSON] = "--argjson",
		[ARG_FILE] = "--slurpfile"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(option, names[i]) == 0) {
			*kind = (enum arg_kind)i;
			return true;
		}
	return false;
}

static bool
is_variable_name(const char *p)
{
	if (!isalpha((unsigned char)*p) && *p != '_')
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *p == '\0';
}

/* Checks the name of the variable, and that its file can be read. */
static int
check_argument(const struct arg *a, const char *option, struct err *e)
{
	if (!is_variable_name(a->name))
		return err_set(e, ERR_USAGE, false,
		    "%s: '%s' cannot be the name of a variable: use letters, "
		    "digits and _, and no digit at the start", option, a->name);
	if (a->kind == ARG_FILE && access(a->value, R_OK) == -1)
		return err_errno(e, ERR_INPUT, a->value);
	return 0;
}

int
args_take(struct args *a, int *argc, char *argv[], struct err *e)
{
	int to = 1, i = 1;
	struct arg *t;

	if (*argc < 1)
		return 0;
	if ((a->v = calloc((size_t)*argc, sizeof(*a->v))) == NULL)
		return err_nomem(e);
	for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		t = &a->v[a->n];
		if (!find_option_kind(argv[i], &t->kind)) {
			argv[to++] = argv[i];
			continue;
		}
		if (*argc - i < 3)
			return err_set(e, ERR_USAGE, false,
			    "%s needs a name and a value", argv[i]);
		t->name = argv[i + 1];
		t->value = argv[i + 2];
		if (check_argument(t, argv[i], e) == -1)
			return -1;
		a->n++;
		i += 2;
	}
	while (i < *argc)
		argv[to++] = argv[i++];
	argv[to] = NULL;
	*argc = to;
	return 0;
}

void
args_release(struct args *a)
{
	free(a->v);
	*a = (struct args){ .n = 0 };
}
