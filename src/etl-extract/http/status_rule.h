/* Finds the action of --on STATUS=fail|retry|ignore|reject for the status of an
 * answer.
 * Gives: STATUS_USUAL for a status that no --on names. If several name it, the
 *        last one counts.
 * Fails: ERR_USAGE for a wrong --on. */
#ifndef EXTRACT_STATUS_RULE_H
#define EXTRACT_STATUS_RULE_H

#include "extract.h"

enum status_rule {
	STATUS_FAIL, STATUS_RETRY, STATUS_IGNORE, STATUS_REJECT, STATUS_USUAL
};

int status_rules_check(const struct extract_opts *o, struct err *e);
enum status_rule status_rule_of(const struct extract_opts *o, int status);

#endif
