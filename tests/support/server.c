#include "api.h"

#include <microhttpd.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The state of one request from its first line to its completion. */
struct call {
	char *uri;
	bool seen;
	struct buf body;
};

/* A reply whose body is being sent. */
struct feed {
	struct api *api;
	struct reply reply;
};

static void
feed_free(void *arg)
{
	struct feed *f = arg;

	if (f == NULL)
		return;
	buf_release(&f->reply.head);
	buf_release(&f->reply.body);
	free(f);
}

static ssize_t
feed_read(void *arg, uint64_t at, char *to, size_t max)
{
	struct feed *f = arg;
	struct reply *r = &f->reply;
	size_t end = r->sent < r->body.len ? r->sent : r->body.len;
	size_t n = max;

	if (at >= end) {
		while (r->stall && !atomic_load(&f->api->stop))
			api_sleep(f->api, 1000);
		return end < r->body.len || r->stall ?
		    MHD_CONTENT_READER_END_WITH_ERROR :
		    MHD_CONTENT_READER_END_OF_STREAM;
	}
	if (r->drip > 0) {
		api_sleep(f->api, r->drip);
		n = 1;
	}
	if (n > end - at)
		n = end - at;
	memcpy(to, r->body.data + at, n);
	return (ssize_t)n;
}

static void
head_add(struct MHD_Response *m, char *head)
{
	char *value, *next;

	for (char *p = head; *p != '\0'; p = next) {
		next = p + strcspn(p, "\n");
		*next++ = '\0';
		if ((value = strchr(p, ':')) != NULL) {
			*value = '\0';
			MHD_add_response_header(m, p, value + 2);
		}
	}
}

static enum MHD_Result
reset(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger l = { .l_onoff = 1 };

	if (i != NULL)
		setsockopt(i->connect_fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	return MHD_NO;
}

static enum MHD_Result
send_reply(struct MHD_Connection *c, struct feed *f)
{
	struct reply *r = &f->reply;
	struct MHD_Response *m;
	enum MHD_Result sent;
	bool broken = r->drip > 0 || r->sent < r->body.len || r->stall;

	if (r->delay > 0)
		api_sleep(f->api, r->delay);
	if (r->reset) {
		feed_free(f);
		return reset(c);
	}
	m = MHD_create_response_from_callback(
	    r->chunked ? MHD_SIZE_UNKNOWN : r->body.len,
	    broken ? 512 : 65536, feed_read, f, feed_free);
	if (m == NULL) {
		feed_free(f);
		return MHD_NO;
	}
	buf_char(&r->head, '\0');
	head_add(m, r->head.data);
	sent = MHD_queue_response(c, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return sent;
}

static enum MHD_Result
header_log(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	static const char *const usual[] = {
		"host", "user-agent", "accept", "accept-encoding", "connection",
		"content-length", "content-type",
	};
	struct buf *line = arg;
	size_t start;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strcasecmp(name, usual[i]) == 0)
			return MHD_YES;
	buf_char(line, ' ');
	start = line->len;
	buf_str(line, name);
	for (size_t i = start; i < line->len; i++)
		if (line->data[i] >= 'A' && line->data[i] <= 'Z')
			line->data[i] |= 0x20;
	if (strcasecmp(name, "Authorization") == 0 && value != NULL)
		buf_printf(line, "=%.*s", (int)strcspn(value, " "), value);
	return MHD_YES;
}

/* Logs a request with one write(), so that lines of threads do not mix. */
static void
request_log(struct api *a, struct MHD_Connection *c, const struct request *q)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct buf line;

	if (a->log == -1)
		return;
	buf_init(&line, 1 << 20);
	buf_printf(&line, "%lld %u %s %s", (long long)(now_ms() - a->started),
	    i == NULL ? 0 :
	    ntohs(((const struct sockaddr_in *)i->client_addr)->sin_port),
	    q->method, q->uri);
	MHD_get_connection_values(c, MHD_HEADER_KIND, header_log, &line);
	if (q->body != NULL)
		buf_printf(&line, " body=%s", q->body);
	buf_char(&line, '\n');
	if (write(a->log, line.data, line.len) == -1)
		perror("mock-api: log");
	buf_release(&line);
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *uploaded, void **closure)
{
	struct call *call = *closure;
	struct request q = { .method = method };
	struct feed *f;
	const char *zip;

	if (call == NULL)
		return MHD_NO;
	if (!call->seen || *uploaded > 0) {
		call->seen = true;
		buf_add(&call->body, upload, *uploaded);
		*uploaded = 0;
		return MHD_YES;
	}
	q.uri = call->uri;
	q.host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
	q.host = q.host == NULL ? "127.0.0.1" : q.host;
	q.authorization = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Authorization");
	zip = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Accept-Encoding");
	q.cursor = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "X-Cursor");
	q.none_match = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "If-None-Match");
	q.modified_since = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "If-Modified-Since");
	q.body = call->body.len > 0 ? buf_text(&call->body) : NULL;
	q.gzip = zip != NULL && strstr(zip, "gzip") != NULL;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return MHD_NO;
	f->api = arg;
	buf_init(&f->reply.head, REPLY_MAX);
	buf_init(&f->reply.body, REPLY_MAX);
	request_log(f->api, c, &q);
	answer(f->api, &q, &f->reply);
	return send_reply(c, f);
}

static void *
call_new(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call != NULL && (call->uri = strdup(uri)) == NULL) {
		free(call);
		call = NULL;
	}
	if (call != NULL)
		buf_init(&call->body, REPLY_MAX);
	return call;
}

static void
call_free(void *arg, struct MHD_Connection *c, void **closure,
    enum MHD_RequestTerminationCode how)
{
	struct call *call = *closure;

	if (call == NULL)
		return;
	free(call->uri);
	buf_release(&call->body);
	free(call);
	*closure = NULL;
}

void *
serve(struct api *a, struct err *e)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)a->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	bool tls_wanted = a->cert[0] != '\0';
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD |
	    MHD_USE_THREAD_PER_CONNECTION | (tls_wanted ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, a->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, a->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *d;

	d = MHD_start_daemon(flags, 0, NULL, NULL, handle, a,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&to,
	    MHD_OPTION_URI_LOG_CALLBACK, call_new, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, call_free, NULL,
	    MHD_OPTION_ARRAY, tls_wanted ? tls : tls + 2,
	    MHD_OPTION_END);
	if (d == NULL || (info = MHD_get_daemon_info(d,
	    MHD_DAEMON_INFO_BIND_PORT)) == NULL) {
		err_errno(e, ERR_REFUSED, "127.0.0.1");
		return NULL;
	}
	a->port = info->port;
	return d;
}

void
unserve(void *server)
{
	if (server != NULL)
		MHD_stop_daemon(server);
}
