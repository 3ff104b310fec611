/* The inside of struct fetch (fetch.h): fetch.c sends requests, fetch_text.c
 * shows and masks texts.
 * Owns:  all but the options, the request and the answer. */
#ifndef EXTRACT_FETCH_IMPL_H
#define EXTRACT_FETCH_IMPL_H

#include "base/retry.h"
#include "http/credentials.h"
#include "http/fetch.h"
#include "http/oauth.h"
#include "http/pace.h"
#include "http/recording.h"
#include "http/redirect.h"

/* All limits are in bytes.
 * SENT_MAX: the longest URL that is sent. It may be longer than the URL in the
 * struct request, because --auth query:NAME adds the secret to it.
 * MASKED_MAX: the longest text with its secrets masked. text_show() makes it
 * longer, because it writes several characters for each control character.
 * URL_MASKED_MAX: how much of a URL is shown in a message. */
enum { SENT_MAX = 4 * REQUEST_URL_MAX, MASKED_MAX = 8 * REQUEST_URL_MAX,
	URL_MASKED_MAX = 400 };

struct fetch {
	const struct extract_opts *o;
	struct http *http;
	struct credentials cred;
	struct retry retry;
	struct redirect redirect;
	struct pace pace;
	struct oauth oauth;
	struct recording recording;
	struct buf masked;
	const struct request *request;  /* the last one, and its answer */
	struct http_answer *answer;
	uint64_t tries;         /* of this request */
	int64_t quota_at;       /* by clock_ms(): from then on the service has
				 * requests left */
	bool has_requested;     /* a request was made before */
	bool concerns_all;      /* see fetch_failure_concerns_all() */
	bool concerns_one;      /* --on says so: the opposite */
	bool lacks_token;       /* the last try got no token */
};

#endif
