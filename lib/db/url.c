#include "db/db.h"

#include "base/shell_word.h"
#include "base/text.h"
#include "db/pg_name.h"

#include <stdint.h>
#include <string.h>

/* Only these parameters of a database URL are printed in messages. All other
 * parameters are left out, because they may hold a secret, as sslpassword
 * does. */
static bool
is_public_name(const char *name, size_t n)
{
	static const char *const names[] = {
		"host", "hostaddr", "port", "dbname", "user", "service"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return true;
	return false;
}

static void
put_public_params(struct buf *b, const char *p)
{
	char mark = '?';

	for (size_t n; *p != '\0'; p += n + (p[n] == '&')) {
		n = strcspn(p, "&");
		if (!is_public_name(p, strcspn(p, "=&")))
			continue;
		buf_char(b, mark);
		text_show(b, p, n);
		mark = '&';
	}
}

/* Prints USER:PASSWORD@HOST:PORT/NAME?OPTIONS without the password and without
 * secret options. As in libpq, user and password end at the first @, unless a
 * slash comes before it. */
static void
put_authority(struct buf *b, const char *p)
{
	const char *at = memchr(p, '@', strcspn(p, "/"));
	size_t n;

	if (at != NULL) {
		text_show(b, p, strcspn(p, ":@?"));
		p = at;
	}
	n = strcspn(p, "?");
	text_show(b, p, n);
	if (p[n] == '?')
		put_public_params(b, p + n + 1);
}

/* Returns the length of the value at p in a connection string such as
 * "host=db1 dbname='my db'". A value that begins with a quote ends with the
 * closing quote, any other value ends before a blank. A backslash escapes the
 * next character. */
static size_t
value_length(const char *p)
{
	bool quoted = *p == '\'';
	size_t n = quoted;

	while (p[n] != '\0' && (quoted ? p[n] != '\'' : p[n] != ' '))
		n += p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
	return n + (quoted && p[n] == '\'');
}

/* Prints the public parameters of a connection string such as "host=db1
 * password=secret". */
static void
put_conninfo(struct buf *b, const char *p)
{
	const char *gap = "";

	for (p += strspn(p, " "); *p != '\0'; p += strspn(p, " ")) {
		const char *name = p;
		size_t n = strcspn(p, " ="), len;

		p += n + strspn(p + n, " ");
		if (*p++ != '=')
			return;
		p += strspn(p, " ");
		len = value_length(p);
		if (is_public_name(name, n)) {
			buf_printf(b, "%s%.*s=", gap, (int)n, name);
			text_show(b, p, len);
			gap = " ";
		}
		p += len;
	}
}

void
db_url_put_public(struct buf *b, const char *url)
{
	const char *p = strstr(url, "://");

	if (strncmp(url, "sqlite:", 7) == 0) {
		text_show(b, url, strlen(url));
	} else if (p == NULL) {
		put_conninfo(b, url);
	} else {
		text_show(b, url, (size_t)(p + 3 - url));
		put_authority(b, p + 3);
	}
}

bool
db_put_options(struct buf *b, const char *url, const char *schema)
{
	struct buf shown;
	bool is_public = true;

	buf_init(&shown, SIZE_MAX / 4);
	if (url != NULL) {
		db_url_put_public(&shown, url);
		is_public = strcmp(buf_text(&shown), url) == 0;
	}
	if (url != NULL && is_public) {
		buf_str(b, " --db ");
		put_shell_word(b, url);
	}
	if (schema != NULL) {
		buf_str(b, " --control-schema ");
		put_shell_word(b, schema);
	}
	buf_release(&shown);
	return is_public;
}

void
db_url_put_env(struct buf *b, const char *url)
{
	if (strncmp(url, "sqlite:", 7) != 0)
		pg_name_put_env(b, url);
}
