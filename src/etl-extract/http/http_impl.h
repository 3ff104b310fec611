/* The fields of struct http (http.h): http.c makes requests one after the
 * other, http_early.c sends requests early.
 * Owns:  the multi handle and all transfers.
 * Borrows: the texts of conf. */
#ifndef EXTRACT_HTTP_IMPL_H
#define EXTRACT_HTTP_IMPL_H

#include "http/transfer.h"

struct http {
	struct http_conf conf;
	void *multi;                    /* libcurl's, with all connections */
	/* Of the last http_send(). */
	struct transfer *current;
	struct transfer *early;         /* the early requests, in order */
	struct transfer *spare;         /* not in use, for later requests */
	struct http_before_wait before_wait;
	struct sockets sockets;         /* of the connections */
};

/* Makes the first early request the current one. */
void http_use_early(struct http *h, struct http_answer *a);
/* Adds the milliseconds since `since`, a time of clock_ms(), to the waiting
 * time of each early request that waits for the network. Ends those that exceed
 * --timeout. */
void http_early_add_wait(struct http *h, int64_t since);
void http_free_transfers(struct http *h);

#endif
