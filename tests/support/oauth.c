#include "oauth.h"

#include "base/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char bearer[] = "Bearer token-";

static bool
is_client(const struct api *a, const char *authorization)
{
	char text[256];
	struct buf b;
	bool same;

	snprintf(text, sizeof(text), "me%%20%%2B%%20you:%s", a->token);
	buf_init(&b, REPLY_MAX);
	buf_str(&b, "Basic ");
	base64_put(&b, text, strlen(text));
	same = authorization != NULL &&
	    strcmp(authorization, buf_text(&b)) == 0;
	buf_release(&b);
	return same;
}

bool
oauth_allows(const char *authorization, unsigned long from)
{
	return authorization != NULL &&
	    strncmp(authorization, bearer, strlen(bearer)) == 0 &&
	    strtoul(authorization + strlen(bearer), NULL, 10) >= from;
}

void
oauth_answer(
    struct api *a, const struct request *q, const char *path, struct reply *r)
{
	char text[512];

	if (query_text(path, "text", text, sizeof(text))) {
		buf_str(&r->body, text);
		return;
	}
	if (!is_client(a, q->authorization) || q->body == NULL ||
	    strncmp(q->body, "grant_type=client_credentials", 29) != 0) {
		r->status = is_client(a, q->authorization) ? 400 : 401;
		buf_printf(&r->body, "{\"error\":\"invalid_client\","
		    "\"you_sent\":\"%s\"}", q->authorization == NULL ? "" :
		    q->authorization);
		return;
	}
	buf_printf(&r->body, "{\"access_token\":\"token-%u-long-enough\",",
	    atomic_fetch_add(&a->tokens, 1) + 1);
	if (query_text(path, "expires", text, sizeof(text)))
		buf_printf(&r->body, "\"expires_in\":%s,", text);
	if (!query_text(path, "type", text, sizeof(text)))
		memcpy(text, "bearer", 7);
	buf_printf(&r->body, "\"token_type\":\"%s\"}", text);
}
