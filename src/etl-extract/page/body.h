/* An answer's body as JSON, and where its records are.
 * Borrows: the answer, until the next look.
 * Gives: body_look() leaves the text scanned in j; body_records() sets array
 *        to the token of the array of records, or none where there is none
 *        (204, or null at the pointer that the user gave).
 * Fails: ERR_PEER with the body's start, transient where the text ends too
 *        early; ERR_CONFIG for two arrays and no pointer. */
#ifndef EXTRACT_BODY_H
#define EXTRACT_BODY_H

#include "http/fetch.h"
#include "json/scan.h"

struct body {
	const struct fetch *fetch;      /* shows the text, less its secrets */
	const char *records;            /* --records, or NULL */
	unsigned levels;                /* at least as many are kept */
	bool lenient;                   /* a record that is no JSON, is too
					 * deep or no UTF-8, leaves the others
					 * as they are: each is judged alone */
	const struct http_answer *answer;
	struct json j;
	uint32_t array;
	bool none;
};

int body_look(struct body *b, const struct http_answer *a, struct err *e);
int body_records(struct body *b, struct err *e);
uint64_t body_count(const struct body *b);

#endif
