/* The body of an answer as JSON, and the array of records in it.
 * Borrows: the answer, until the next body_parse().
 * Gives: body_parse() scans the text into j. body_find_records() sets `array`
 *        to the token of the array of records, or sets no_records if the answer
 *        has status 204 or null at the pointer of --records.
 * Fails: ERR_PEER with the start of the body, transient if the text ends too
 *        early; ERR_CONFIG for two arrays without --records. */
#ifndef EXTRACT_BODY_H
#define EXTRACT_BODY_H

#include "http/fetch.h"
#include "json/scan.h"

struct body {
	const struct fetch *fetch;      /* masks secrets in messages */
	const char *records;            /* --records, or NULL */
	unsigned levels_in_records;     /* 1: tokens also of their members */
	const struct http_answer *answer;
	struct json j;
	uint32_t array;                 /* token of the array of records */
	bool no_records;                /* status 204, or null: no array */
};

int body_parse(struct body *b, const struct http_answer *a, struct err *e);
int body_find_records(struct body *b, struct err *e);
/* These functions set *e to ERR_PEER, with the start of the body in the
 * message, and return -1. */
int body_fail(const struct body *b, const char *why, bool transient,
    struct err *e);
int body_fail_no_array(const struct body *b, struct err *e);
uint64_t body_count_records(const struct body *b);

#endif
