/* The fields of struct fetch (fetch.h): fetch.c sends requests, fetch_early.c
 * sends upcoming requests early, fetch_text.c shows and masks texts.
 * Owns:  all fields except the options, the request and the answer. */
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

/* State of the early requests of --jobs, which are sent before the caller makes
 * them. If the caller then makes another request, the early ones were useless:
 * `most` falls to 1, and no request is begun early during the next `pause`
 * requests. `most` doubles after each early request that was of use. */
struct early {
	struct upcoming upcoming;
	struct redirect redirect;       /* of the early request being begun */
	uint64_t jobs;
	uint64_t most;          /* limit of early requests at a time */
	uint64_t pause, next_pause;
	int64_t hold_until;     /* no early request before this clock_ms() */
	int64_t left;           /* further requests that the service accepts;
				 * INT64_MAX: unknown */
	bool counts_from_request;       /* the first upcoming request is the one
				 * after the present one; false before the
				 * present one is sent */
};

struct fetch {
	const struct extract_opts *o;
	struct http *http;
	struct credentials cred;
	struct retry retry;
	struct redirect redirect;
	struct public_origins public;
	struct pace pace;
	struct oauth oauth;
	struct recording recording;
	struct early early;
	struct buf masked;
	const struct request *request;  /* the last one, and its answer */
	struct http_answer *answer;
	uint64_t tries;         /* of this request */
	bool has_requested;     /* a request was made before */
	bool concerns_all;      /* see fetch_fails_all() */
	bool concerns_one;      /* the failure concerns one record only: --on
				 * STATUS=reject */
	bool lacks_token;       /* the last try got no token */
};

/* Stores how many further requests the service accepts, if the answer contains
 * this number. */
void fetch_note_left(struct fetch *f, const struct http_answer *a);
/* Called before the first try of a request. Returns true if the request was
 * begun early. Adapts `most` and `pause` of struct early. */
bool fetch_match_early(struct fetch *f);

#endif
