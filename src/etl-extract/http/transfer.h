/* One request and its answer, with libcurl. All transfers of a process share
 * one multi handle, which holds the connections.
 * Owns:  all fields except the borrowed ones.
 * Borrows: the multi handle, the sockets, the texts of the options, the
 *          caller's answer, and the body of the request. The body of an early
 *          request (http.h) is copied.
 * Fails: with the errors that http.h lists. */
#ifndef EXTRACT_TRANSFER_H
#define EXTRACT_TRANSFER_H

#include "base/errval.h"
#include "common/gunzip.h"
#include "http/http.h"

#include <stdbool.h>
#include <stdint.h>

/* Receives an answer piece by piece: reads the status, stores the headers of
 * the last head, and stores the body. receiver_read() then decodes it.
 * Owns:  the bytes of the body that were received and are not yet decoded.
 * Borrows: the answer, from receiver_reset() until the next receiver_reset().
 * Fails: the functions that return bool: false if the transfer must end.
 *        refused_why is then the reason, or NULL if memory is out. */

/* The transfer pauses while this many bytes wait to be decoded. KEPT is for the
 * answer that is being read, KEPT_EARLY for an answer to an early request. */
enum { RECEIVER_KEPT = 128 << 10, RECEIVER_KEPT_EARLY = 1 << 20 };

struct receiver {
	struct http_answer *answer;
	size_t kept;                    /* RECEIVER_KEPT or _KEPT_EARLY */
	struct gunzip *gzip;            /* NULL if the body is not gzip */
	const char *refused_why;
	uint64_t max_ratio;             /* see gunzip.h */
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

/* True if receiver_read() may return bytes before more are received. */
bool receiver_has_bytes(const struct receiver *r);
/* Puts up to n bytes of the body at p. *got is 0 if more must be received. */
bool receiver_read(struct receiver *r, char *p, size_t n, size_t *got);
/* True if the body is gzip data whose end has not come. */
bool receiver_lacks_end(const struct receiver *r);

/* Finds unread bytes on an open connection before the next request is sent.
 * Some services send bytes after the end of an answer. libcurl 7.88 would read
 * them as the start of the next answer, and the next page would be lost. Later
 * versions of libcurl close such a connection themselves.
 * Limits: for Unix sockets it checks all connections, because it cannot tell
 *         which one the next request will use. */

/* The range of descriptors in which sockets were opened. */
struct sockets {
	int low, high;          /* both 0: none */
};

/* Limits the time of an answer (--timeout): the time spent waiting for the
 * server plus the processor time of this program. So an answer that comes fast
 * and never ends reaches the limit too. The time during which the output of
 * this program is blocked does not count.
 * Fails: time_limit_check(), transient. */

struct time_limit {
	int64_t limit;          /* ms */
	int64_t waited;         /* ms */
	int64_t worked;         /* us of processor time */
	int64_t cpu_before;     /* us, at the last call */
};

/* Starts the time of a new answer at 0. */
void time_limit_restart(struct time_limit *t, uint64_t limit_ms);
/* Adds the processor time since the last call of one of these functions. */
void time_limit_add_work(struct time_limit *t);
/* Adds the milliseconds since `since`, a time of clock_ms(). The processor time
 * of this period does not count in addition. */
void time_limit_add_wait(struct time_limit *t, int64_t since);
/* Sets *left to the milliseconds that are left. Fails if the time is over, or
 * if a stop signal has come. */
int time_limit_check(const struct time_limit *t, int64_t *left, struct err *e);

enum { TRANSFER_ERROR_MAX = 256 };

struct transfer {
	struct transfer *next;          /* in a list of struct http */
	void *curl;                     /* the easy handle */
	char curl_error[TRANSFER_ERROR_MAX];
	const char *proxy;              /* of --proxy, or NULL */
	const char *unix_socket;        /* of --unix-socket, or NULL */
	struct curl_slist *headers;     /* of the request */
	struct receiver receiver;       /* of its answer */
	struct time_limit time;         /* of --timeout */
	bool is_active;                 /* a request was begun */
	bool is_done;                   /* its answer has ended, with code */
	int code;                       /* a CURLcode */
	bool is_paused;                 /* receive_body() has refused bytes */
	bool public_only;               /* refuse private addresses */
	bool may_link_local, host_is_private;   /* of the request */
	bool refused_private;           /* a private address was refused */
	bool refused_link_local;        /* a link-local one was refused */
	bool refused_connection;        /* a connection had unread bytes */
	struct sockets *sockets;        /* of all transfers */
	struct buf sent;                /* put_request() of an early request */
	struct http_answer early;       /* the answer to it, until it is
				 * moved */
};

int transfer_new(struct transfer **t, const struct http_conf *c,
    struct sockets *s, struct err *e);
void transfer_free(struct transfer *t, void *multi);
/* Ends what was transferred before, and begins the request r. */
int transfer_begin(struct transfer *t, void *multi,
    const struct http_request *r, struct http_answer *a, struct err *e);
/* Like transfer_begin(), for an early request: its answer is stored in
 * t->early. */
int transfer_begin_early(struct transfer *t, void *multi,
    const struct http_request *r, struct err *e);
/* Ends the transfer. Its connection can be used again only if the answer was
 * received to its end. */
void transfer_end(struct transfer *t, void *multi);
/* True if r is the early request of t. From then on t follows r's rule for
 * private addresses. */
bool transfer_match_early(struct transfer *t, const struct http_request *r);
/* Moves the early answer to *a. The rest of the answer is received into *a. */
void transfer_move_answer(struct transfer *t, struct http_answer *a);
/* Continues a paused transfer, unless the receiver is still full. */
void transfer_continue(struct transfer *t);
/* Called when libcurl says that the answer has ended. */
void transfer_set_done(struct transfer *t, int code);
/* Begins the request again and returns true if it was not sent because
 * check_connection() refused the connection. Call it before
 * transfer_set_done(). */
bool transfer_begin_again(struct transfer *t, void *multi);
/* True if the head has come, or the transfer has ended without it. */
bool transfer_has_head(const struct transfer *t);
/* True if a read need not wait: bytes have come, or the transfer has ended. */
bool transfer_may_read(const struct transfer *t);
/* True while the request waits for bytes from the network: it was begun, its
 * answer has not ended, and the transfer is not paused. */
bool transfer_is_receiving(const struct transfer *t);
/* Set *e to the reason why the transfer has failed, and return -1. */
int transfer_set_error(struct transfer *t, struct err *e);
int transfer_set_refused(const struct transfer *t, struct err *e);
int multi_set_error(int code, struct err *e);

/* Sets the options of a handle of libcurl, except those that are callbacks.
 * Borrows: the body of the request, until its answer has been read.
 * Fails: if memory is out; ERR_INPUT for a file that cannot be read. */

/* Checks that the files of --cacert, --capath, --cert and --key can be read. If
 * one is missing, libcurl would report a bad certificate, which misleads. */
int curl_check_files(const struct http_conf *c, struct err *e);

#endif
