/* Examines one answer for --probe: finds the records, how the answer is paged,
 * and a member that may be the cursor.
 * Borrows: the answer, its parsed body and the URL.
 * Fails: ERR_PEER if the answer has no array of records. */
#ifndef EXTRACT_LOOK_H
#define EXTRACT_LOOK_H

#include "http/http.h"
#include "json/scan.h"
#include "probe/findings.h"

struct look {
	struct findings *findings;
	const struct http_answer *answer;
	const struct json *j;
	const char *url;        /* as the user gave it */
	uint32_t array;         /* token of the array of records */
	uint64_t records;
	int64_t total;          /* -1: the answer does not tell it */
	bool nomem;
};

int look_for_records(struct look *l, struct err *e);
int look_for_paging(struct look *l, struct err *e);
int look_for_cursor(struct look *l, struct err *e);

#endif
