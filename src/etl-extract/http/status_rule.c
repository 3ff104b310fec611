#include "http/status_rule.h"

#include "base/suggest.h"
#include "http/status.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 3 };

static const char *const actions[] = {
	"fail", "retry", "ignore", "reject", NULL
};

static int
check_on_option(const char *rule, bool has_each, struct err *e)
{
	int status = (int)strtol(rule, NULL, 10), action;

	if (strspn(rule, "0123456789") != DIGITS || rule[DIGITS] != '=' ||
	    status < 200 || status > 599)
		return err_set(e, ERR_USAGE, false, "--on %s: it must have the "
		    "form STATUS=fail|retry|ignore|reject, with a status from "
		    "200 to 599, such as 404=ignore", rule);
	if (is_redirect(status))
		return err_set(e, ERR_USAGE, false, "--on %s: an answer with "
		    "this status is a redirect, which is followed", rule);
	action = suggest_choice("--on", rule + DIGITS + 1, actions, e);
	if (action == STATUS_REJECT && !has_each)
		return err_set(e, ERR_USAGE, false, "--on %s needs --each: "
		    "without it there is no record to reject", rule);
	return action == -1 ? -1 : 0;
}

int
status_rules_check(const struct extract_opts *o, struct err *e)
{
	for (size_t i = 0; i < o->on.n; i++)
		if (check_on_option(o->on.v[i], o->each != NULL, e) == -1)
			return -1;
	return 0;
}

enum status_rule
status_rule_of(const struct extract_opts *o, int status)
{
	enum status_rule found = STATUS_USUAL;

	for (size_t i = 0; i < o->on.n; i++) {
		if (strtol(o->on.v[i], NULL, 10) != status)
			continue;
		for (found = STATUS_FAIL; found < STATUS_REJECT &&
		    strcmp(o->on.v[i] + DIGITS + 1, actions[found]) != 0;
		    found++)
			continue;
	}
	return found;
}
