/* The faults that the path of a request asks for; REST is the real path.
 *   /fault/NAME/ARGS.../[K/]REST  with K: only in the first K calls of this URL
 *   /fault/on/TEXT/REST           use the faults in REST if REST contains TEXT
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
	const char *uri, *path;         /* path: REST, the real path */
	unsigned call;                  /* 1: the first of this URL */
	bool auth, off;                 /* off: the TEXT of "on" is missing */
	int status;                     /* 0: the usual one */
	char text[PLAN_TEXT];           /* body, or redirect target */
	char retry_after[128];
	char header[PLAN_TEXT];         /* lines "Name: value\n" */
	char total[64];                 /* "-": no x-total-count */
	const char *body;               /* NULL: the body of the path */
	int endless;
	int64_t delay, drip;
	size_t sent;                    /* SIZE_MAX: the whole body */
	size_t bomb;                    /* MiB */
	bool stall, chunked, reset, redirect, loop;
	bool gzip, half, badsum, quota;
};

void plan_read(struct plan *p, struct api *a, const char *uri);
void plan_apply(const struct plan *p, struct reply *r);

#endif
