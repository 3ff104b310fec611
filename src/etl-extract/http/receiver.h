/* Takes in an answer piece by piece: reads the status, stores the headers of
 * the last head, and decodes the body.
 * Borrows: the answer, from receiver_reset() until the next call of it.
 * Fails: receiver_add_header() and receiver_add_body() return false if the
 *        transfer must end: refused_why then says why; it is NULL if memory is
 *        out. */
#ifndef EXTRACT_RECEIVER_H
#define EXTRACT_RECEIVER_H

#include "http/gunzip.h"
#include "http/http.h"

struct receiver {
	struct http_answer *answer;
	struct gunzip *gzip;            /* NULL if the body is not gzip */
	const char *refused_why;
	bool bad_gzip;                  /* the reason: a retry may help */
	bool has_other_encoding;        /* neither gzip nor identity */
	bool has_head;                  /* the head is complete */
	size_t head_bytes;              /* of all heads, also 1xx, trailers */
	size_t body_bytes;              /* before decompression */
};

/* Clears the receiver and the answer, for a new answer. */
void receiver_reset(struct receiver *r, struct http_answer *a);
void receiver_release(struct receiver *r);
bool receiver_add_header(struct receiver *r, const char *p, size_t n);
bool receiver_add_body(struct receiver *r, const char *p, size_t n);
bool receiver_lacks_end_of_gzip(const struct receiver *r);

#endif
