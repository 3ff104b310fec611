/* The inside of struct http (http.h): http.c makes requests one after the
 * other, http_early.c begins those that will follow.
 * Owns:  the multi handle and all transfers.
 * Borrows: the texts of conf. */
#ifndef EXTRACT_HTTP_IMPL_H
#define EXTRACT_HTTP_IMPL_H

#include "http/transfer.h"

struct http {
	struct http_conf conf;
	void *multi;                    /* has the connections */
	struct transfer *current;       /* of http_send() */
	struct transfer *early;         /* the early requests, in order */
	struct transfer *spare;         /* for further requests */
	struct http_before_wait before_wait;
	struct sockets sockets;         /* of the connections */
};

/* Makes the first early request the current one. */
void http_take_early(struct http *h, struct http_answer *a);
/* Adds the ms since the time `since` of clock_ms() to the early requests that
 * wait for the network, and ends those whose time is over. */
void http_early_add_wait(struct http *h, int64_t since);
void http_free_transfers(struct http *h);

#endif
