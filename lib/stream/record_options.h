/* Checks the values of the options --max-record and --duplicate-members, which
 * all programs that read records have.
 * Gives: *members: whether a record in which a member is repeated is an error,
 *        or is read with the last value of the member.
 * Fails: ERR_USAGE. */
#ifndef STREAM_RECORD_OPTIONS_H
#define STREAM_RECORD_OPTIONS_H

#include "json/scan.h"

#include <stdint.h>

int record_options_check(uint64_t max_record, const char *duplicates,
    enum json_members *members, struct err *e);

#endif
