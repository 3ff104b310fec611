/* /items: a set that grows, read by a bound and a limit.
 *   ?since=V (>=; with strict=1: >) &until=V (<=) &limit=N (100) &page=N
 *   &pinned=1 (item 27, which has no time, comes first on every page)
 *   &by=ts|seq|code: what bounds are compared with; &order=none: shuffled;
 *   &most=N: never more than these
 * /control/items/TO/FROM: from now on there are the items FROM to TO.
 * The odd ones are listed in items.c and in examples/items-api/README.md. */
#ifndef SUPPORT_ITEMS_H
#define SUPPORT_ITEMS_H

#include "api.h"

void items_answer(struct api *a, const char *uri, struct reply *r);
void items_control(struct api *a, const char *path, struct reply *r);

#endif
