/* Receives an answer piece by piece: reads the status, stores the headers of
 * the last head, and stores the body. receiver_read() then decodes it.
 * Owns:  the bytes of the body that were received and are not yet decoded.
 * Borrows: the answer, from receiver_reset() until the next receiver_reset().
 * Fails: the functions that return bool: false if the transfer must end.
 *        refused_why is then the reason, or NULL if memory is out. */
#ifndef EXTRACT_RECEIVER_H
#define EXTRACT_RECEIVER_H

#include "gunzip.h"
#include "http/http.h"

/* The transfer pauses while this many bytes wait to be decoded. KEPT is for the
 * answer that is being read, KEPT_EARLY for an answer to an early request. */
enum { RECEIVER_KEPT = 128 << 10, RECEIVER_KEPT_EARLY = 1 << 20 };

struct receiver {
	struct http_answer *answer;
	size_t kept;                    /* RECEIVER_KEPT or _KEPT_EARLY */
	struct gunzip *gzip;            /* NULL if the body is not gzip */
	const char *refused_why;
	uint64_t max_ratio;             /* see growth.h */
	bool is_bomb;                   /* the body exceeds it */
	bool bad_gzip;                  /* gzip is broken: a retry may help */
	bool has_other_encoding;        /* neither gzip nor identity */
	bool has_head;                  /* the head is complete */
	bool is_http_1;                 /* HTTP/1.0 or 1.1 */
	size_t head_bytes;              /* of all heads (also 1xx), trailers */
	struct buf raw;                 /* bytes of the body that have come */
	size_t raw_at;                  /* this many bytes of it are decoded */
	uint64_t body_bytes;            /* before decompression */
	uint64_t decoded_bytes;
};

/* Clears the receiver, except max_ratio, and the answer, for a new answer. */
void receiver_reset(struct receiver *r, struct http_answer *a, size_t kept);
/* Moves to *a the part of an early answer that was received. The rest of the
 * answer is then received into *a. */
void receiver_move_answer(struct receiver *r, struct http_answer *a);
void receiver_release(struct receiver *r);
bool receiver_add_header(struct receiver *r, const char *p, size_t n);
bool receiver_add_body(struct receiver *r, const char *p, size_t n);
/* True if `kept` bytes or more wait to be decoded. The caller then adds no
 * more. */
bool receiver_is_full(const struct receiver *r);
/* True if receiver_read() may return bytes before more are received. */
bool receiver_has_bytes(const struct receiver *r);
/* Puts up to n bytes of the body at p. *got is 0 if more must be received. */
bool receiver_read(struct receiver *r, char *p, size_t n, size_t *got);
/* True if the body is gzip data whose end has not come. */
bool receiver_lacks_end(const struct receiver *r);

#endif
