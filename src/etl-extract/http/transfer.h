/* One request and its answer, with libcurl. All transfers of a process share
 * one multi handle, which holds the connections.
 * Owns:  all fields except the borrowed ones.
 * Borrows: the multi handle, the sockets, the texts of the options, the
 *          caller's answer, and the body of the request. The body of an early
 *          request (http.h) is copied.
 * Fails: with the errors that http.h lists. */
#ifndef EXTRACT_TRANSFER_H
#define EXTRACT_TRANSFER_H

#include "http/receiver.h"
#include "http/sockets.h"
#include "http/time_limit.h"

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

#endif
