/* /repos/OWNER/REPO/issues of the mock API: issues in the form of GitHub's API.
 *   ?since=T (updated at T or later) &per_page=N (30, at most 100) &page=N
 *   &state=all|open (open)
 *   &sort=created|updated (created) &direction=asc|desc (desc)
 * The Link header names the other pages. Each answer has an ETag and the
 * headers of a rate limit. There are as many issues as /items has. When issue
 * 10 N is created, issue N gets a comment and so another updated_at. */
#ifndef SUPPORT_ISSUES_H
#define SUPPORT_ISSUES_H

#include "api.h"

/* True if the path, without its query, is one of issues. */
bool issues_path(const char *path);
void issues_answer(struct api *a, const struct request *q, const char *path,
    struct reply *r);

#endif
