/* Recordings of HTTP answers (--record-to, --replay-from): the file 000001.http
 * of a directory has the first answer, 000002.http the second one, and so on. A
 * file has the request's method and URL, the status, the headers, an empty line
 * and the decoded body. An answer that was cut short is not recorded.
 * Fails: ERR_CREATE, ERR_IO; ERR_INPUT if the recording has no further answer;
 *        ERR_CONFIG if the next answer is to another request. */
#ifndef EXTRACT_RECORDING_H
#define EXTRACT_RECORDING_H

#include "http/auth.h"
#include "http/transport.h"

struct recording {
	const char *to, *from;          /* directories, or NULL */
	uint64_t count;                 /* answers so far */
	char *last;                     /* the last request that was replayed */
	const struct credentials *cred; /* to mask */
	bool is_open;                   /* the file of this answer is open */
	int fd;
	struct buf name, part;          /* of the file; part: while it is
				 * written */
	struct buf waiting;             /* recording: bytes to be written;
				 * replaying: the start of the file */
	size_t at;                      /* next byte of the body in waiting */
	struct buf request;             /* "METHOD URL" of this answer */
};

/* With --record-to, makes the directory. */
int recording_init(struct recording *r, const struct extract_opts *o,
    const struct credentials *c, struct err *e);
void recording_release(struct recording *r);
/* Sets the request whose answer comes next, of which the secrets are masked.
 * Does nothing if answers are neither recorded nor replayed. */
int recording_set_request(struct recording *r, const char *method,
    const struct buf *url, struct err *e);
/* With --replay-from, reads the next answer from its file. Fails if it is the
 * answer to another request. */
int recording_next(
    struct recording *r, struct http_answer *a, struct err *e);
/* With --record-to, writes the head of the answer to a new file. Cookies, and
 * each copy of a secret, are not recorded. */
int recording_begin(
    struct recording *r, const struct http_answer *a, struct err *e);
/* Like http_read() and http_may_wait(), also for a replayed answer. */
ssize_t recording_read(struct recording *r, struct http *http, char *p,
    size_t n, struct err *e);
bool recording_may_wait(const struct recording *r, struct http *http);
/* Called if the caller does not need the rest of the body. With --record-to,
 * reads it nevertheless, so that the whole answer is recorded. */
int recording_drain(struct recording *r, struct http *http, struct err *e);

#endif
