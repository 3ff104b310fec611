/* Takes in an answer piece by piece: reads the status, stores the headers of
 * the last head, and decodes the body when it is asked for.
 * Owns:  the bytes of the body that were received and are not yet decoded.
 * Borrows: the answer, from receiver_reset() until the next call of it.
 * Fails: the functions that return bool: false if the transfer must end.
 *        refused_why then says why; it is NULL if memory is out. */
#ifndef EXTRACT_RECEIVER_H
#define EXTRACT_RECEIVER_H

#include "gunzip.h"
#include "http/http.h"

/* The transfer pauses while so many bytes wait to be decoded: of an answer that
 * is read, and of one that was requested early. */
enum { RECEIVER_KEPT = 128 << 10, RECEIVER_KEPT_EARLY = 1 << 20 };

struct receiver {
	struct http_answer *answer;
	size_t kept;                    /* one of these numbers */
	struct gunzip *gzip;            /* NULL if the body is not gzip */
	const char *refused_why;
	bool bad_gzip;                  /* the reason: a retry may help */
	bool has_other_encoding;        /* neither gzip nor identity */
	bool has_head;                  /* the head is complete */
	size_t head_bytes;              /* of all heads, also 1xx, trailers */
	struct buf raw;                 /* the part of the body that came */
	size_t raw_at;                  /* so much of raw is decoded */
	uint64_t body_bytes;            /* before decompression */
	uint64_t decoded_bytes;
};

/* Clears the receiver and the answer, for a new answer. */
void receiver_reset(struct receiver *r, struct http_answer *a, size_t kept);
/* Moves what has come of an early answer to *a, which is read from here on. */
void receiver_give_answer(struct receiver *r, struct http_answer *a);
void receiver_release(struct receiver *r);
bool receiver_add_header(struct receiver *r, const char *p, size_t n);
bool receiver_add_body(struct receiver *r, const char *p, size_t n);
/* True if many bytes wait to be decoded: no more should be added. */
bool receiver_is_full(const struct receiver *r);
/* True if receiver_decode() may give bytes. */
bool receiver_has_bytes(const struct receiver *r);
/* Puts up to n bytes of the body at p. *got is 0 if more must be received. */
bool receiver_decode(struct receiver *r, char *p, size_t n, size_t *got);
bool receiver_lacks_end_of_gzip(const struct receiver *r);

#endif
