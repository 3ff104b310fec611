/* The faults of one request, read from the start of its path.
 *   /fault/NAME/ARGS.../[K/]REST  K: only the first K calls of this very URL
 *   /fault/on/TEXT/REST           the faults in REST only where TEXT is in it
 *   /auth/REST                    401 without "Authorization: Bearer TOKEN"
 * Borrows: path points into the URI. */
#ifndef SUPPORT_PLAN_H
#define SUPPORT_PLAN_H

#include "api.h"

enum {
	PLAN_TEXT = 2048,
	ENDLESS_SAME = 1, ENDLESS_NEW
};

struct plan {
	const char *uri, *path;         /* path: REST, what is asked for */
	unsigned call;                  /* 1: the first of this URL */
	bool auth, off;                 /* off: an "on" did not match */
	int status;                     /* 0: none */
	char text[PLAN_TEXT];           /* body, or where to redirect */
	char retry_after[128];
	char total[64];                 /* "-": no x-total-count */
	const char *body;               /* NULL: what the path gives */
	int endless;
	int64_t delay, drip;
	size_t sent;                    /* SIZE_MAX: all */
	size_t bomb;                    /* MiB */
	bool stall, chunked, reset, redirect, loop;
	bool gzip, half, badsum, quota;
};

void plan_read(struct plan *p, struct api *a, const char *uri);
void plan_apply(const struct plan *p, struct reply *r);

#endif
