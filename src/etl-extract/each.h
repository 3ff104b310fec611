/* A run with --each: the lines of its input, the request for one or several
 * records, and the output. run_each.c and batch.c use it. */
#ifndef EXTRACT_EACH_H
#define EXTRACT_EACH_H

#include "common/extract.h"
#include "http/fetch.h"
#include "http/request.h"
#include "json/scan.h"
#include "page/pages.h"
#include "raw_record.h"
#include "stream/stage.h"

/* Writes the result for a record of --each: the record with the members of --as
 * and --count-as added at its end, or a reject.
 * Fails: the functions that reject fail as stage_reject() does. */

/* A record without its closing brace, so that members can be added at its end:
 * `len` bytes of its line, from the offset `at`. */
struct each_open_record {
	size_t at, len;
};

/* Returns the place and the length of the record's text without its closing
 * brace. */
struct each_open_record each_record_start(const struct json *record);
/* Call this when *out has the open record and the new members. Adds the closing
 * brace and emits the record. If the record is longer than --max-record,
 * rejects the input line instead. */
int each_emit(struct stage *s, struct buf *out, const struct line *l,
    struct err *e);

/* Returns the name of --as or --count-as if the record already has a member of
 * this name, else NULL. */
const char *each_find_name(const struct extract_opts *o,
    const struct json *record);
extern const char each_has_name[];      /* the message of the reject in this
					 * case */
/* Rejects the line because of its member `name`. The reject has the JSON
 * Pointer of this member. */
int each_reject_member(struct stage *s, const struct line *l, const char *code,
    const char *name, size_t n, const char *why, struct err *e);
/* Rejects the line because its request has failed. */
int each_reject_request(struct stage *s, const struct line *l, int status,
    const struct err *why, struct err *e);

/* Returns true and fills in *r if the line contains a line feed. Only a line of
 * a raw mark can contain one. */
bool each_has_line_feed(const struct line *l, struct reject *r);

/* The request for one or several records of --each, and its answer. run_each.c
 * and batch.c use it.
 * Owns:  everything except the HTTP client; each_call_release() frees it.
 * Borrows: the options. */

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
/* The lines of standard input for --each. With --jobs N, up to N - 1 records
 * after the current one are read ahead, so that their requests can be sent
 * early. Nothing is read past a mark, because the caller must pass each mark on
 * first.
 * Owns:  copies of these lines. Borrows: the stage.
 * Gives: each_input_next() returns all lines in order, as stage_next() does. A
 *        line is valid until the next call. */

struct held_line;

/* Returns the request for a record, or NULL if the record will be rejected
 * without a request. */
typedef const struct request *each_make_request(
    void *self, const struct line *l);

struct each_input {
	struct stage *stage;
	struct held_line *held; /* a ring; NULL without --jobs */
	size_t cap, first, n;   /* n includes the current record */
	bool has_present;
	enum stage_item behind; /* what follows them: STAGE_WAIT means that
				 * nothing was read yet; STAGE_RECORD is never
				 * set */
	struct line mark;       /* the mark, if `behind` is STAGE_MARK */
	struct err why;         /* the error, if `behind` is a failure */
	each_make_request *make;
	void *self;             /* the first argument of make() */
};

int each_input_open(struct each_input *i, struct stage *s,
    const struct extract_opts *o, struct err *e);
void each_input_release(struct each_input *i);
/* Gives f the requests of the records after the current one, so that f can send
 * them early. `make` makes each of these requests. */
void each_input_send_early(struct each_input *i, struct fetch *f,
    each_make_request *make, void *self);
enum stage_item each_input_next(
    struct each_input *i, struct line *l, struct err *e);

#endif
