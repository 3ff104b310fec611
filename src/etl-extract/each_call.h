/* The request for one or several records of --each, and its answer. run_each.c
 * and run_batch.c use it.
 * Owns:  everything except the HTTP client; each_call_release() frees it.
 * Borrows: the options. */
#ifndef EXTRACT_EACH_CALL_H
#define EXTRACT_EACH_CALL_H

#include "http/fetch.h"
#include "http/request.h"
#include "page/body.h"
#include "replay/raw_record.h"

struct each_call {
	struct fetch *fetch;            /* NULL until the client is open */
	struct request request;
	struct http_answer answer;
	struct body body;               /* of the answer */
	struct json j;                  /* an input record */
	struct raw_record raw;          /* the record in a raw mark of a
					 * replay */
	struct buf url;                 /* the URL without --query-param */
	struct buf out;                 /* the record with the answer */
};

void each_call_init(struct each_call *c, const struct extract_opts *o);
void each_call_release(struct each_call *c);
/* Opens the HTTP client. Also sets the greatest length of c->url, because the
 * parameters of --query-param are appended to it and the result must fit into
 * the request. */
int each_call_open(struct each_call *c, struct extract *x, struct err *e);
/* Makes the request for c->url. */
int each_call_make(struct each_call *c, const struct extract_opts *o,
    struct err *e);
/* Sends the request and receives the answer. `check` decides whether the answer
 * is valid. */
int each_call_fetch(struct each_call *c, const struct answer_check *check,
    struct err *e);

#endif
