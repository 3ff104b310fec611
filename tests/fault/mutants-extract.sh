#!/bin/sh
# mutants-extract.sh [TEST|NAME...]: shows that the tests of etl-extract against
# faults of a service can fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh
http=src/etl-extract/http/transport.c
transfer=src/etl-extract/http/transport.c
options=src/etl-extract/http/transport.c
receiver=src/etl-extract/http/transport.c
status=src/etl-extract/http/fetch.c
after=src/etl-extract/http/answer.c
limit=src/etl-extract/http/answer.c
pages=src/etl-extract/source/http_pages.c
url=src/etl-extract/http/url.c
time_limit=src/etl-extract/http/transport.c
walk=src/etl-extract/document/splitter.c
walk_use=src/etl-extract/document/splitter.c
records=src/etl-extract/page/pages.c
redirect=src/etl-extract/http/fetch.c
cursor=src/etl-extract/cursor/cursor.c
marks=src/etl-extract/cursor/cursor.c
address=src/etl-extract/http/private_address.c

# A reader that leaves.
mutant etl-extract/stream.t '--delay does not notice that the reader closed the pipe' \
    src/etl-extract/common/stdout_reader.c \
    's/wait_fd(STDOUT_FILENO, 0, ms >/wait_fd(-1, 0, ms >/' \
    'in the wait of --delay 60s'
mutant etl-extract/stream.t 'a request does not notice that the reader closed the pipe' \
    src/etl-extract/common/stdout_reader.c \
    's/return wait_fd(STDOUT_FILENO, 0, 0) == 1/return false/' \
    'in the wait of --timeout 60s'
mutant etl-extract/stream.t 'EPIPE is reported as any other error' lib/base/errval.c \
    's/num == EPIPE/num == 0/' \
    'etl-extract FILE:'

# Options that suit no source, and templates that no service gets.
mutant etl-extract/usage.t 'a tap ignores the options of other sources' \
    src/etl-extract/singer/tap.c \
    's/source_options_check(o, KIND_TAP, e)/source_options_check(o, ~0U, e)/' \
    '--since 1 --singer true: the message'
mutant etl-extract/usage.t 'files take the options of HTTP' \
    src/etl-extract/common/options.c \
    's/{ KIND_HTTP | KIND_HTTP_FILE | KIND_EACH,$/{ KIND_FILES | KIND_HTTP | KIND_EACH,/' \
    'a.ndjson: the option of another source is refused'
mutant etl-extract/each.t 'a name in the fragment is accepted' \
    src/etl-extract/http/url.c \
    's/if (is_in_fragment(text, p))/if (false)/' \
    '/#{id} is refused with 64'

# A tap that leaves its output open.
mutant etl-extract/singer_faults.t 'the output of a tap that has exited is awaited without end' \
    src/etl-extract/singer/tap.c \
    's/enum { QUIET_MS = 5000 }/enum { QUIET_MS = 500000 }/' \
    'leaves a process behind: exit code 0'
mutant etl-extract/singer_faults.t 'what comes after the exit of a tap is not read' \
    src/etl-extract/singer/tap.c \
    's/enum { QUIET_MS = 5000 }/enum { QUIET_MS = 0 }/' \
    'outlives the tap by a few seconds is read'

# Connections and answers that break.
mutant etl-extract/excess.t 'bytes behind an answer are the next answer' $transfer \
    's/t->refused_connection = is_reused.*;/t->refused_connection = false;/' \
    'late: each record comes out once'
mutant etl-extract/http.t 'a connection reset is not retried' $transfer \
    's/return err_set(e, ERR_RETRY, true, "%s", why)/return err_set(e, ERR_RETRY, false, "%s", why)/' \
    'reset once'
mutant etl-extract/http.t 'a failed connection exits with the code of a bad response' $transfer \
    's/return err_set(e, ERR_RETRY, true, "%s", why)/return err_set(e, ERR_PEER, true, "%s", why)/' \
    'a server that is not running'
mutant etl-extract/http.t 'a cut body is taken as complete' $transfer \
    's/t->code = code;/t->code = code == CURLE_PARTIAL_FILE ? CURLE_OK : code;/' \
    'an answer that is cut short: the message names the cause'
mutant etl-extract/raw.t 'a cut response header is taken as complete' $http \
    's/^	if (t->receiver.has_head)/	if (true)/' \
    'an answer cut at any of'
mutant etl-extract/http.t 'cut gzip data is taken as complete' $receiver \
    's/!gunzip_is_complete(r->gzip)/false/' \
    'gzip data that are cut short: the message names the cause'
mutant etl-extract/http.t 'broken gzip data is not retried' $receiver \
    's/if (r->bad_gzip)/r->bad_gzip = false; if (*got == 0)/' \
    'badgzip once'
mutant etl-extract/raw.t 'gzip data ends with its first member' src/etl-extract/common/gunzip.c \
    's/^	if (s->avail_in == 0)/	s->avail_in = 0; if (true)/' \
    'a gzip body of two members'
mutant etl-extract/raw.t 'JSON that ends too early is not retried' src/etl-extract/page/pages.c \
    's/"the JSON ends too early", true/"the JSON ends too early", false/' \
    'closed-early: the number of requests is 3'
mutant etl-extract/http.t 'a retry appends to the previous body' $records \
    's/splitter_restart(r->splitter);//' \
    'cut/100 once: every record comes out'
mutant etl-extract/streaming.t 'the records before a cut are written again' $records \
    's/if (r->seen < r->given)/if (false)/' \
    'a page that is cut twice: each record comes out once'
mutant etl-extract/streaming.t 'a page that has changed after a cut is not noticed' $records \
    's/^	    record_hash_equals(r->seen_hash, r->given_hash))/	    true)/' \
    'a page that has changed after a cut exits with 75'
mutant etl-extract/streaming.t 'records wait in the buffer while the page arrives' $records \
    's/if (!r->has_paused && fetch_may_wait(r->fetch)) {/if (false) {/' \
    'the first record leaves before the next byte has come'
mutant etl-extract/streaming.t 'the time of a slow reader counts' $time_limit \
    's/CLOCK_THREAD_CPUTIME_ID/CLOCK_MONOTONIC/' \
    'the time that the reader of the output takes'

# Slow ones.
mutant etl-extract/http.t 'requests have no time-out' $time_limit \
    's/return \*left > 0 ? 0 :/return true ? 0 :/' \
    'an answer slower than --timeout: the message names the cause'
mutant etl-extract/http.t 'a time-out is not retried' $time_limit \
    's/err_set(e, ERR_RETRY, true, "timed out/err_set(e, ERR_RETRY, false, "timed out/' \
    'an answer slower than --timeout once'
mutant etl-extract/streaming.t 'a fast answer may have no end' $time_limit \
    's/t->worked += now - t->cpu_before;//' \
    'a page of white space without end exits with 75 after --timeout'
mutant etl-extract/streaming.t 'each byte restarts the time-out' $time_limit \
    's/t->waited += clock_ms() - since;/t->waited = 0;/' \
    'a page that drips longer than --timeout exits with 75'
mutant etl-extract/raw.t 'connecting has no time-out' $options \
    '/CURLOPT_CONNECTTIMEOUT_MS/,+1d' \
    'a server with a full queue'

# Bodies that are no page.
mutant etl-extract/http.t 'an HTML response is taken as no records' $walk \
    's/return walk_fail(w, WALK_NOT_JSON, "expected a value");/{ w->found = w->has_value = true; return WALK_TAKEN; }/' \
    'an answer that is HTML: the message names the cause'
mutant etl-extract/http.t 'an empty response is taken as no records' $walk \
    's/(w->has_value || !w->conf->is_answer)/true/' \
    'an empty answer: the message names the cause'
mutant etl-extract/http.t 'a scalar response is taken as no records' $walk_use \
    "/if (c != '{')/{n;s/.*/{ w->found = true; return WALK_SKIP; }/;}" \
    'an answer that is a number'
mutant etl-extract/pages.t 'a --records pointer that finds nothing means no records' $walk \
    's/return w->found || walk_fail(w, WALK_NO_ARRAY, NULL) != WALK_BROKEN;/return true;/' \
    'nothing at --records'
mutant etl-extract/pages.t 'the first of two arrays is read' $walk_use \
    's/return walk_fail(w, WALK_TWO_ARRAYS, NULL);/return WALK_SKIP;/' \
    'two arrays'
mutant etl-extract/http.t 'control characters of a response are printed' lib/base/text.c \
    's/if (!is_terminal_control(cp))/if (true)/' \
    'the message escapes control and bidirectional characters'
mutant etl-extract/http.t 'the size limit counts compressed bytes' $receiver \
    's/r->decoded_bytes += \*got;/r->decoded_bytes = r->body_bytes;/' \
    'gzip bomb'

# Statuses, and how long to wait.
for code in 408 425 429; do
	mutant etl-extract/http.t "status $code is not retried" $status \
	    "s/s == $code ||/s == 0 ||/" \
	    "$code twice"
done
mutant etl-extract/http.t '5xx statuses are not retried' $status \
    's/ || s >= 500 / || s >= 600 /' \
    '503 twice'
mutant etl-extract/http.t 'status 404 has no exit code of its own' $status \
    's/s == 404 || s == 410/s == 410/' \
    'status 404 exits with 66'
mutant etl-extract/http.t 'status 403 has no exit code of its own' $status \
    's/s == 401 || s == 403/s == 401/' \
    'status 403 exits with 77'
mutant etl-extract/http.t 'status 400 is retried' $status \
    's/\*transient = s == 408/*transient = s == 400 || s == 408/' \
    'status 400 is not retried'
mutant etl-extract/http.t 'an exhausted rate limit is not retried' $after \
    's/(a->status == 403 || a->status == 429)/false/' \
    'an exceeded rate limit (403)'
mutant etl-extract/http.t 'Retry-After is ignored' $after \
    's/if (http_find_header(a, "Retry-After", &v, &n)) {/if (false) {/' \
    'Retry-After of one second is waited for'
mutant etl-extract/http.t 'a date in Retry-After is not understood' $after \
    's/return seconds_until(timegm(&tm), now);/return -1;/' \
    'Retry-After with a date beyond --backoff: no retry is sent'
mutant etl-extract/http.t 'a past date in Retry-After gives a positive wait' $after \
    's/return at <= now ? 0 : at - now;/return at <= now ? now - at : at - now;/' \
    'Retry-After as a past date'
mutant etl-extract/http.t 'a number at the start of an invalid Retry-After counts' $limit \
    "s/if (p\\[i\\] < '0' || p\\[i\\] > '9')/if (i > 0 \\&\\& (p[i] < '0' || p[i] > '9')) break; &/" \
    'Retry-After of 1.5 is ignored: the retry succeeds'
mutant etl-extract/http.t 'a large number in Retry-After overflows' $limit \
    's/if (v <= longest_number \/ 10)/if (true)/' \
    'Retry-After of 2^64 seconds: no retry is sent'
mutant etl-extract/http.t 'a Retry-After above the limit is shortened' src/etl-extract/http/fetch.c \
    's/if (check_wait(f, ms, status, e) == -1)/if (ms > (int64_t)f->retry.cap) ms = (int64_t)f->retry.cap; if (false)/' \
    'Retry-After longer than --backoff: no retry is sent'

# Redirects.
mutant etl-extract/redirect.t '--header values are sent to another origin' $redirect \
    's/\.n_headers = r->left_origin ? c->n_default : c->n_headers/.n_headers = c->n_headers/' \
    'bearer: the other origin gets no header of the user'
mutant etl-extract/redirect.t 'the header of the paging is sent to another origin' $redirect \
    's/if (r->left_origin || (r->header.len == 0/if ((r->header.len == 0/' \
    'another origin does not get the header of --into'
mutant etl-extract/redirect.t 'credentials return after a redirect within another origin' $redirect \
    's/r->left_origin = true;/r->left_origin = true; else r->left_origin = false;/' \
    'a second redirect in the other origin sends no headers'
mutant etl-extract/redirect.t 'another port counts as the same origin' $url \
    's/port == NULL ? "" : port)/"")/' \
    'bearer: the other origin gets no header of the user'
mutant etl-extract/redirect.t 'another host counts as the same origin' $url \
    's/scheme, host == NULL ? "" : host,/scheme, "",/' \
    'another host name on the same port gets no headers'
mutant etl-extract/redirect.t 'the secret query parameter is sent to another origin' $redirect \
    's/if (c->query_param != NULL && r->left_origin)/if (false)/' \
    'the query secret is removed for another origin'
mutant etl-extract/redirect.t 'the secret in a renamed parameter is sent to another origin' $redirect \
    's/if (r->left_origin &&$/if (false \&\&/' \
    'a query secret in another parameter is not sent'
mutant etl-extract/redirect.t 'the user name in a redirect target is sent' $url \
    '/CURLUPART_USER, NULL, 0/d; /CURLUPART_PASSWORD, NULL, 0/d' \
    'user and password of a target are not sent'
mutant etl-extract/redirect.t 'a redirect to any scheme is followed' $redirect \
    's/if (!to->is_http)/if (false)/' \
    'a redirect to file:///etc/passwd: the message says why'
mutant etl-extract/redirect.t 'a redirect from https to http is followed' $redirect \
    's/if (from->is_https && !to->is_https)/if (false)/' \
    'https to http'
mutant etl-extract/redirect.t '50 redirects are followed' $redirect \
    's/REDIRECTS_MAX = 10/REDIRECTS_MAX = 50/' \
    'a redirect loop ends after 11 requests'
mutant etl-extract/redirect.t 'status 308 is not a redirect' $status \
    's/status == 307 || status == 308/status == 307/' \
    '308'
for block in 00000000 0a000000 64400000 7f000000 a9fe0000 ac100000 c0000000 \
    c0a80000 c6120000 e0000000; do
	mutant unit/extract_address "the private block 0x$block counts as public" $address \
	    "/0x$block/d" \
	    private_addresses_are_recognised
done
mutant unit/extract_address 'a private block is too wide' $address \
    's/0x64400000, 10/0x64400000, 9/' \
    public_addresses_are_not_private
for kind in UNSPECIFIED LOOPBACK LINKLOCAL SITELOCAL MULTICAST; do
	mutant unit/extract_address "an IPv6 address of kind $kind counts as public" $address \
	    "s/IN6_IS_ADDR_$kind(a)/false/" \
	    private_addresses_are_recognised
done
mutant unit/extract_address 'an IPv6 unique local address counts as public' $address \
    's/(p\[0\] & 0xfe) == 0xfc/false/' \
    private_addresses_are_recognised
mutant unit/extract_address 'an IPv6 address that embeds IPv4 counts as public' $address \
    's/if (inner != NULL)/if (false)/' \
    private_addresses_are_recognised
mutant unit/extract_address 'an address of a local NAT64 counts as public' $address \
    's/memcmp(p, local_nat64, sizeof(local_nat64)) == 0/false/' \
    private_addresses_are_recognised
mutant etl-extract/parallel.t 'an early answer is taken for any request' src/etl-extract/http/transport.c \
    's/if (!transfer_match_early(t, r))/if (false)/' \
    'offsets, pages of 7: the records of 8 jobs are those of one'
mutant etl-extract/parallel.t 'early requests do not wait for --rate' src/etl-extract/http/fetch.c \
    's/return hold > turn ? hold : turn;/return hold;/' \
    '15 requests at 20 a second take 700 ms'
mutant etl-extract/parallel.t 'each total is compared with that of the page before' src/etl-extract/page/paginate.c \
    's/if (p->answer->was_early)/if (false)/' \
    'a total that rises is no error'
mutant etl-extract/parallel_each.t 'lines are read past a mark' src/etl-extract/each.c \
    's/return i->behind == STAGE_WAIT && i->n < i->cap/return i->n < i->cap/' \
    'a stream with marks: '
mutant etl-extract/raw.t 'a redirect may lead to a private address' $redirect \
    's/to->public_only = .*/to->public_only = false/' \
    'redirect from a public to a private address'
mutant etl-extract/raw.t 'an open connection to a private address is used' $transfer \
    's/t->refused_private = t->public_only && a->from_private;/t->refused_private = false;/' \
    'a redirect to private over an open connection exits with 77'
mutant etl-extract/redirect.t 'a redirect between private addresses is refused' $redirect \
    's/to->public_only = (r->left_origin \&\& r->met_public)/to->public_only = r->left_origin/' \
    'bearer: a redirect to another origin succeeds'

# TLS.
mutant etl-extract/redirect.t 'the certificate is not verified' $options \
    's/curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 0L);/& curl_easy_setopt(u, CURLOPT_SSL_VERIFYPEER, 0L);/' \
    'self-signed'
mutant etl-extract/redirect.t 'the host name of the certificate is not verified' $options \
    's/curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 0L);/& curl_easy_setopt(u, CURLOPT_SSL_VERIFYHOST, 0L);/' \
    'a certificate for another name'
mutant etl-extract/redirect.t 'a bad certificate is retried' src/etl-extract/http/transport.c \
    's/case CURLE_PEER_FAILED_VERIFICATION:/case CURLE_LDAP_CANNOT_BIND:/' \
    'a self-signed certificate is not retried'

# Pages.
mutant etl-extract/pages.t 'a repeated page is not noticed' $pages \
    's/page_repeat_end(&p->repeat)) {/page_repeat_end(\&p->repeat) \&\& false) {/' \
    'a service that repeats a page: the message names both pages'
mutant etl-extract/pages.t 'pages of equal length count as repeated' src/etl-extract/page/seen.c \
    's/record_hash_equals(r->page.all, before.all)/true/' \
    'two pages of the same length are not taken as repeated'
mutant etl-extract/pages.t '--max-pages is ignored' $pages \
    's/p->page == p->o->max_pages/false/' \
    '--max-pages before the last page'
mutant etl-extract/pages.t 'a short page ends the paging' src/etl-extract/page/paginate.c \
    's/return p->records > 0 \&\&/return p->records > 19 \&\&/' \
    'a short page'
mutant etl-extract/pages.t 'missing records are not reported' src/etl-extract/page/paginate.c \
    's/if (p->records == 0 && !n->starts_late &&/if (false \&\&/' \
    'a total larger than the data causes a warning'
mutant etl-extract/incremental.t 'a total that shrinks is ignored' src/etl-extract/page/paginate.c \
    's/if (n->must_not_shrink && total < before)/if (false)/' \
    'a total that shrinks between two pages'
mutant etl-extract/cursor.t 'a loop of cursors is not noticed' src/etl-extract/page/paginate.c \
    's/return seen == 0 ? 1 :/return 1; return/' \
    'a cursor that came four pages ago'
mutant etl-extract/cursor.t 'the page before a loop is lost' src/etl-extract/page/paginate.c \
    's/n->why = \*e;/return -1;/' \
    'a cursor that came four pages ago: 50 records'
mutant etl-extract/cursor.t 'an empty page with a true --more ends the paging' src/etl-extract/page/paginate.c \
    's/|| more == PAGE_HAS_NEXT)/)/' \
    'with a true --more, paging goes on'
mutant etl-extract/cursor.t 'a next page of another origin gets the headers' $redirect \
    's/if (from->comes_from_page)/if (false)/' \
    'another origin gets neither'
mutant etl-extract/cursor.t 'the second Link header is not read' src/etl-extract/http/answer.c \
    's/while (http_find_next_header(a/if (http_find_next_header(a/' \
    '--paginate link;'
mutant etl-extract/incremental.t 'records on two pages are written twice' $pages \
    's/p->repeated += \*skips;/& *skips = false;/' \
    'each record comes out once'
mutant etl-extract/incremental.t 'a server that excludes the bound is not noticed' $pages \
    's/check_overlap(p, e) == -1/false/' \
    'a lower bound that is left out: no checkpoint passes it'
mutant etl-extract/incremental.t 'a checkpoint passes records that may be left out' $cursor \
    's/c->marks_are_held = holds;/c->marks_are_held = false;/' \
    'a lower bound that is left out: no checkpoint passes it'
mutant etl-extract/incremental.t 'a full page of one cursor value ends the paging' $pages \
    's/if (!cursor_has_risen(c) && n >= p->full)/if (false)/' \
    'a full page of one'

# The cursor.
mutant etl-extract/incremental.t 'a mark is written between equal cursor values' $cursor \
    's/if (order > 0) {/if (order >= 0) {/' \
    'agree with the records'
mutant etl-extract/incremental.t 'a mark is written after its value began' $cursor \
    '/write_due_mark(c, s, e) == -1)/{N;d;}; s/c->risen_at = .*/& if (c->accepted > 0 \&\& write_due_mark(c, s, e) == -1) return -1;/' \
    'agree with the records'
mutant etl-extract/incremental.t 'the checkpoint is the last value, not the highest' $cursor \
    's/if (order > 0) {/if (order != 0) {/' \
    'unordered records make one checkpoint, the highest value'
mutant etl-extract/incremental.t 'marks are written without --ordered' $cursor \
    's/if (!c->page_began || c->marks_are_held || !is_in_order(c))/if (!c->page_began)/' \
    'without --ordered the only checkpoint is at the end'
mutant etl-extract/incremental.t 'the checkpoint may go back' $marks \
    's/return c->stored == NULL ||/return true ||/' \
    'a run of older records only makes no checkpoint'
mutant etl-extract/incremental.t '--lookback is ignored' $cursor \
    's/o->lookback != NULL) {/false) {/' \
    '--lookback is subtracted from the stored value that is sent'
mutant etl-extract/incremental.t 'a mark has no "from" value' $marks \
    's/\.value = value, \.from = c->stored,/.value = value, .from = NULL,/' \
    'the checkpoint has the stored value and version'
# Secrets that the service spells in another way.
find=src/etl-extract/http/mask.c
mutant etl-extract/echo.t 'an escaped text is decoded once only' $find \
    's/ROUNDS = 5/ROUNDS = 1/' \
    'percent-encoded twice: the message says'
mutant etl-extract/echo.t 'the secret itself is not decoded' $find \
    's/decode_once(&d, false)/false/' \
    'a secret that looks escaped, decoded: the message says'
mutant etl-extract/echo.t 'a + is not a space' $find \
    "s/c == '+' ||/false ||/" \
    'a form: a + for a blank: the message says'
mutant etl-extract/echo.t 'an escape that the cut has split stays' $find \
    's/if (is_cut && is_cut_escape/if (false \&\& is_cut_escape/' \
    'a body that is cut within an escape of the secret is not shown'
mutant etl-extract/echo.t 'the password alone is shown' \
    src/etl-extract/http/mask.c \
    's/buf_str(b, colon + 1);/buf_str(b, s);/' \
    'basic: the password alone: the message says'
mutant etl-extract/echo.t 'the URL of a proxy is shown' \
    src/etl-extract/http/transport.c \
    's/return variables\[i\];/return NULL;/' \
    'exits with 78'
mutant etl-extract/raw.t 'the body of an error is read to its end' $http \
    's/all < HTTP_ERROR_READ/true/' \
    'an endless body of status 404'
mutant etl-extract/redirect.t 'TLS 1.1 is accepted' $options \
    '/CURLOPT_SSLVERSION/d' \
    'a server that speaks only TLS 1.1 is not read'
mutant unit/extract_address 'a 6to4 address counts as public' $address \
    's/return memcmp(p, six_to_four, 2) == 0 ? p + 2 : NULL;/return NULL;/' \
    private_addresses_are_recognised
# JSON files.
mutant etl-extract/json.t 'a bracket closes a brace' \
    src/etl-extract/document/splitter.c \
    's/^	if (at < VALUE_END_LEVELS &&/	if (false \&\&/' \
    'a bracket of the other kind'
mutant etl-extract/json.t 'a file that ends in an array is whole' $walk \
    's/if (w->depth == 0 && (w->has_value/if (true || (w->has_value/' \
    'an array that is cut after a record'

# One request for several records, and recordings.
batch=src/etl-extract/batch.c
mutant etl-extract/batch.t 'a mark overtakes the records before it' $batch \
    's/return send_batch(x, e) == -1 ? -1 :/return false ? -1 :/' \
    'marks and records keep their order'
mutant etl-extract/batch.t 'a refused batch is rejected as a whole' $batch \
    's/return x->join.groups > 1 && /return false \&\& /' \
    'of a refused batch only the record at fault is rejected'
mutant etl-extract/batch.t 'a batch waits until it is full' $batch \
    's/if (x->batch.n == 0)/if (true)/' \
    'a slow input: two records do not wait for a hundred'
mutant etl-extract/batch.t 'a URL may be one byte too long' $batch \
    's/x->encoded.len > x->room/x->encoded.len > x->room + 1/' \
    'two ids of one byte more are asked for by two requests'
mutant etl-extract/batch.t 'a string goes into a JSON body without quotes' \
    src/etl-extract/batch.c \
    's/	if (is_string)/	if (false)/' \
    'a string stays a string'
mutant etl-extract/batch.t 'answers are joined by their places' \
    src/etl-extract/batch.c \
    's/(g = find_group_of_id(j)) == NULL/(g = \&j->group[j->n % j->groups]) == NULL/' \
    'each record gets its own answer, in the order of the input'
mutant etl-extract/batch.t 'the first of several answers is taken' \
    src/etl-extract/batch.c \
    's/g->answers > 1 && !x->option.many/false/' \
    'a record with two answers is a reject'
mutant 'point.sh memory 1 extract-record' 'a recording that is not masked is stored' \
    src/etl-extract/http/mask.c \
    's/return mask_text(c, b, false, false) ? buf_check(b, e) : err_nomem(e);/(void)mask_text(c, b, false, false); return 0;/'

# Singer taps.
mutant etl-extract/singer.t 'a STATE covers the records after it' \
    src/etl-extract/singer/tap.c \
    '/^tap_state_note_record/,/^}/s/t->is_held = false;//' \
    'it covers'
mutant etl-extract/singer.t 'a STATE that equals that of the last mark gets a mark' \
    src/etl-extract/singer/tap.c \
    's/ || is_marked(t, value, n)//' \
    'equals the stored one'
mutant etl-extract/singer_faults.t 'the exit status of a tap is not looked at' \
    src/etl-extract/singer/tap.c \
    's/return check_exit(&t->child, e)/return 0/' \
    'a tap that exits with 3'
mutant etl-extract/singer_faults.t 'the last line of a tap that failed counts' \
    src/etl-extract/source/tap.c \
    's/it->line.torn && tap_check_end(&t->tap, e) == -1/false/' \
    'the cut line is no reject'
mutant etl-extract/singer_faults.t 'nothing ends the tap after kill -9' \
    src/etl-extract/singer/tap.c \
    's/(void)kill(0, SIG.*;//' \
    'kill -9 of etl-extract ends'
mutant etl-extract/singer.t 'the option for the STATE is not appended' \
    src/etl-extract/singer/tap.c \
    's/	t->argv\[n\] = t->state_option;/	return 0;/' \
    'gives the STATE to the tap'

# CSV files, and TERM in the middle of a source.
mutant fuzz/replay.t 'a closing quote may stand before any character' \
    src/etl-extract/csv/csv_reader.c \
    's/if (after < n && p\[after\] != s->d->delimiter/if (false \&\& p[after] != s->d->delimiter/' \
    'csv accepts its'
mutant etl-extract/files.t 'damaged gzip data is the end of the file' \
    src/etl-extract/file/input.c \
    's/return fail_gzip(g, r, e);/return 0;/' \
    'gzip: damaged data exits with 65'
mutant etl-extract/stopped.t 'a source that never waits does not see TERM' \
    src/etl-extract/run.c \
    's/^		if (stop_signal() != 0) {/		if (false) {/' \
    'a replay from a recording: TERM ends it'
mutant etl-extract/stopped.t 'files that children have read hide TERM' \
    src/etl-extract/run_sources.c \
    's/^		if (stop_signal() != 0)$/		if (false)/' \
    'a directory with --jobs: TERM ends it'
mutant 'point.sh memory 1 extract-recorded' \
    'without memory a replay goes on with the next answer' \
    src/etl-extract/http/fetch.c \
    's/f->recording.from != NULL && e->code == ERR_IO/false/'
done_testing
