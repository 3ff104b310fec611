#include "probe/probe.h"

#include "base/shell_word.h"
#include "base/text.h"
#include "http/fetch.h"
#include "http/request.h"
#include "options.h"
#include "probe/look.h"
#include "source_options.h"
#include "stream/fdwrite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20 };

struct probe {
	const struct extract_opts *o;
	struct fetch *fetch;
	struct request request;
	struct http_answer answer;
	struct json j;
	struct findings findings;
	struct buf out;
};

static int
check_probe_options(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e)
{
	if (n != 1 || strncmp(uri[0], "http", 4) != 0)
		return err_set(e, ERR_USAGE, false,
		    "--probe needs exactly one SOURCE, a URL of HTTP");
	if (o->each != NULL || o->checkpoint != NULL || o->paginate != NULL ||
	    o->records != NULL || o->next != NULL || o->more != NULL ||
	    o->total != NULL || o->into != NULL || o->query != NULL ||
	    o->table != NULL || o->new_files)
		return err_set(e, ERR_USAGE, false, "--probe finds out where "
		    "the records are and how to page: give only options for "
		    "requests with it");
	return source_options_check(o, KIND_HTTP, e) == -1 ? -1 :
	    request_check(o, uri[0], e);
}

static int
parse_probe_answer(void *self, const struct http_answer *a, struct err *e)
{
	struct probe *p = self;
	struct json_fault f = { 0 };
	struct buf b;

	if (json_scan(&p->j, a->body.data, a->body.len, JSON_LEVELS_ALL,
	    JSON_LAST, &f) == 0)
		return 0;
	if (f.nomem)
		return err_nomem(e);
	buf_init(&b, 1024);
	fetch_show_body(p->fetch, &b, a, 80);
	(void)err_set(e, ERR_PEER, false, "the answer is not JSON (%s): %s",
	    f.why, buf_text(&b));
	buf_release(&b);
	return -1;
}

static void
put_word_option(struct buf *b, const char *option, const char *word)
{
	buf_printf(b, " --%s ", option);
	put_shell_word(b, word);
}

/* A header on the command line may contain a secret, so its value is not
 * printed. A header that was given as @FILE is printed unchanged. */
static void
put_header(struct buf *b, const char *option, const char *header)
{
	char name[256];

	(void)snprintf(name, sizeof(name), "%.*s: ...",
	    (int)strcspn(header, ":"), header);
	put_word_option(b, option, *header == '@' ? header : name);
}

/* The user name and the password of a proxy are not printed. */
static void
put_proxy_option(struct buf *b, const char *option, const char *url)
{
	const char *at = strrchr(url, '@'), *scheme_end = strstr(url, "://");
	const int scheme = scheme_end == NULL ? 0 : (int)(scheme_end + 3 - url);
	char shown[1024];

	(void)snprintf(shown, sizeof(shown), "%.*s...%s", scheme, url,
	    at == NULL ? "" : at);
	put_word_option(b, option, at == NULL ? url : shown);
}

/* Appends an option whose value is at p. */
static void
put_option_value(struct buf *b, const struct opt *option, const void *p)
{
	void (*put_text)(struct buf *, const char *, const char *) =
	    strcmp(option->name, "header") == 0 ? put_header :
	    strcmp(option->name, "proxy") == 0 ?
	    put_proxy_option : put_word_option;
	const struct opt_list *list = p;
	const char *const *text = p;
	const uint64_t *number = p;

	switch (option->type) {
	case OPT_STRING:
		put_text(b, option->name, *text);
		break;
	case OPT_LIST:
		for (size_t i = 0; i < list->n; i++)
			put_text(b, option->name, list->v[i]);
		break;
	case OPT_NUMBER: case OPT_SIZE: case OPT_COUNT: case OPT_DURATION:
		buf_printf(b, " --%s %" PRIu64 "%s", option->name, *number,
		    option->type == OPT_DURATION ? "ms" : "");
		break;
	case OPT_FLAG: case OPT_COMMAND:
		buf_printf(b, " --%s", option->name);
	}
}

/* Appends the options that the user has given, without --probe. */
static void
put_given_options(struct buf *b, const struct extract_opts *o)
{
	const struct opt_spec *spec = &extract_option_spec;

	for (size_t i = 0; i < spec->n; i++)
		if (o->is_given[i] && strcmp(spec->opts[i].name, "probe") != 0)
			put_option_value(b, &spec->opts[i],
			    (const char *)o + spec->opts[i].offset);
}

/* Prints the findings as comments, then the command. */
static int
print_command(struct probe *p, const char *url, struct err *e)
{
	struct buf *b = &p->out;

	findings_put_comments(&p->findings, b);
	buf_str(b, "etl-extract");
	put_given_options(b, p->o);
	findings_put_options(&p->findings, b);
	buf_char(b, ' ');
	put_shell_word(b, url);
	buf_char(b, '\n');
	if (fetch_mask_text(p->fetch, b, e) == -1)
		return -1;
	return fd_write_all(STDOUT_FILENO, b->data, b->len) == 0 ? 0 :
	    err_errno(e, ERR_IO, "standard output");
}

/* Requests the URL and sets the findings from its answer. */
static int
probe_request(struct probe *p, const char *url, struct err *e)
{
	const struct answer_check check = { parse_probe_answer, p };
	struct look l = { .findings = &p->findings, .answer = &p->answer,
	    .j = &p->j, .url = url };

	if (request_load_body(&p->request, p->o, e) == -1 ||
	    request_set_url(&p->request, p->o, url, strlen(url), e) == -1 ||
	    fetch_whole(p->fetch, &p->request, &check, &p->answer, e) == -1)
		return -1;
	if (look_for_records(&l, e) == -1) {
		err_prefix(e, "%s", fetch_masked_url(p->fetch, &p->request));
		return -1;
	}
	if (look_for_paging(&l, e) == -1 || look_for_cursor(&l, e) == -1)
		return -1;
	return findings_check(&p->findings, e);
}

int
probe_run(struct extract *x, char *const *uri, size_t n, struct err *e)
{
	struct probe p = { .o = &x->opts };
	int rc = -1;

	if (check_probe_options(&x->opts, uri, n, e) == -1)
		return -1;
	request_init(&p.request);
	http_answer_init(&p.answer, x->opts.max_body);
	findings_init(&p.findings);
	buf_init(&p.out, OUTPUT_MAX);
	p.request.source = uri[0];
	if (fetch_open_once(&p.fetch, x, e) == 0 &&
	    probe_request(&p, uri[0], e) == 0)
		rc = print_command(&p, uri[0], e);
	fetch_close(x->fetch);
	request_release(&p.request);
	http_answer_release(&p.answer);
	findings_release(&p.findings);
	json_release(&p.j);
	buf_release(&p.out);
	return rc;
}
