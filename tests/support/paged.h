/* /paged of the mock API serves records {"id":1} ... in pages. A page names the
 * next one in each way of services: as /next_cursor (a number), /paging/after
 * (a text), /next and Link (a URL), and the header X-Next-Cursor. The answer
 * has a cookie and shows the header Authorization. */
#ifndef SUPPORT_PAGED_H
#define SUPPORT_PAGED_H

#include "api.h"

/*   ?n=N (50 records) &size=N (10 on a page)
 *   &cursor=C or &offset=N, or the header X-Cursor: C, or {"after":C} in the
 *   body: the page after the record whose id is C
 *   &loop=N (from offset N on, the next page is the second one)
 *   &empty=N (the page at offset N has no records) &total=N (the total, n)
 *   &says=0 (has_more is absent) &end=TEXT (the JSON text of the cursor behind
 *   the last page, null)
 *   &link=ORIGIN (begins the URLs of next pages; absent: they are relative) */
void paged_answer(const struct request *q, const char *path, struct reply *r);

#endif
