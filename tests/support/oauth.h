/* OAuth 2 of the mock API.
 * POST /token?expires=N (absent: not stated) &type=T &text=TEXT (the whole
 * answer): gives "token-1", then "token-2", and so on, to the client "me + you"
 * with the secret --token, by HTTP basic authentication.
 * /oauth/N/REST: 401 unless the request has the token N or a later one. */
#ifndef SUPPORT_OAUTH_H
#define SUPPORT_OAUTH_H

#include "api.h"

void oauth_answer(
    struct api *a, const struct request *q, const char *path, struct reply *r);
bool oauth_allows(const char *authorization, unsigned long from);

#endif
