#include "db/pg_name.h"

#include "base/text.h"
#include "db/pg_connect.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
is_default_port(const char *port)
{
	return strcmp(port, "5432") == 0;
}

static bool
is_system_user(const char *user)
{
	const struct passwd *p = getpwuid(geteuid());

	return p != NULL && strcmp(p->pw_name, user) == 0;
}

/* Appends a text as a part of a URL: most characters except letters and digits
 * become %XX. */
static void
put_url_part(struct buf *b, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			buf_char(b, *text);
		else
			buf_printf(b, "%%%02X", (unsigned char)*text);
}

void
pg_name_put(struct buf *b, const struct pg_place *p)
{
	buf_str(b, "postgresql://");
	if (p->user != NULL && *p->user != '\0' && !is_system_user(p->user)) {
		put_url_part(b, p->user);
		buf_char(b, '@');
	}
	/* A host that begins with a slash is the folder of a Unix socket. */
	if (p->host != NULL && *p->host != '/')
		buf_printf(b, strchr(p->host, ':') != NULL ? "[%s]" : "%s",
		    p->host);
	if (p->port != NULL && *p->port != '\0' && !is_default_port(p->port))
		buf_printf(b, ":%s", p->port);
	buf_printf(b, "/%s", p->database != NULL ? p->database : "");
}

void
pg_name_put_env(struct buf *b, const char *url)
{
	static const struct {
		const char *parameter, *variable;
		bool (*is_default)(const char *value);
	} known[] = {
		{ "port", "PGPORT", is_default_port },
		{ "user", "PGUSER", is_system_user },
	};
	const char *value;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		value = getenv(known[i].variable);
		if (value == NULL || *value == '\0' ||
		    known[i].is_default(value) ||
		    pg_url_has(url, known[i].parameter))
			continue;
		buf_printf(b, " %s=", known[i].variable);
		text_show(b, value, strlen(value));
	}
}
