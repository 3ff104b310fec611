/* /items of the mock API is a set of items that a test can let grow.
 *   ?since=V (>=; with strict=1: >) &until=V (<=) &limit=N (100) &page=N
 *   &pinned=1 (item 27, which has no valid ts, is first on every page)
 *   &by=ts|seq|code (the field that since and until are compared with)
 *   &order=none (shuffled) &most=N (the largest page, whatever limit says)
 * /control/items/TO/FROM: from now on the set has the items FROM to TO.
 * examples/items-api/README.md lists the items that are odd. */
#ifndef SUPPORT_ITEMS_H
#define SUPPORT_ITEMS_H

#include "api.h"

void items_answer(struct api *a, const char *uri, struct reply *r);
void items_control(struct api *a, const char *path, struct reply *r);

#endif
