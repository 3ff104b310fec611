#include "csv/csv_columns.h"

#include "base/compression.h"
#include "base/text.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
csv_columns_init(struct csv_columns *c)
{
	*c = (struct csv_columns){ 0 };
	buf_init(&c->names, 16 * (size_t)CSV_HEADER_MAX);
	buf_init(&c->json, 16 * (size_t)CSV_HEADER_MAX);
}

void
csv_columns_release(struct csv_columns *c)
{
	free(c->column);
	csv_names_release(&c->unique);
	buf_release(&c->names);
	buf_release(&c->json);
	csv_columns_init(c);
}

bool
csv_field_is_null(
    const struct csv_dialect *d, const char *p, const struct csv_field *f)
{
	return d->null != NULL && !f->is_quoted && f->len == d->null_len &&
	    memcmp(p, d->null, f->len) == 0;
}

void
csv_append_field(struct buf *b, const char *p, const struct csv_field *f,
    char quote)
{
	const char *from = p + f->at, *end = from + f->len, *q;

	while (f->has_doubled &&
	    (q = memchr(from, quote, (size_t)(end - from))) != NULL) {
		buf_add(b, from, (size_t)(q + 1 - from));
		from = q + 2;
	}
	buf_add(b, from, (size_t)(end - from));
}

static bool
is_blank(const char *name)
{
	return name[strspn(name, " \t")] == '\0';
}

/* Adds a column with this name. If the name is blank or already used, makes
 * another one from it. */
static int
add_column(struct csv_columns *c, const char *name, struct err *e)
{
	struct csv_column *col = &c->column[c->n];
	char blank[32];
	size_t from = c->json.len + 1;

	if (is_blank(name)) {
		(void)snprintf(blank, sizeof(blank), "column_%zu", c->n + 1);
		name = blank;
	}
	if ((name = csv_names_add(&c->unique, name)) == NULL)
		return err_nomem(e);
	c->is_reserved |= c->n == 0 && strcmp(name, "@etl") == 0;
	buf_char(&c->json, c->n > 0 ? ',' : '[');
	json_put_string(&c->json, name, strlen(name));
	if (buf_check(&c->json, e) == -1)
		return -1;
	*col = (struct csv_column){ .at = c->names.len, .name = name };
	buf_char(&c->names, c->n > 0 ? ',' : '{');
	buf_add(&c->names, c->json.data + from, c->json.len - from);
	buf_char(&c->names, ':');
	col->len = c->names.len - col->at;
	c->n++;
	return buf_check(&c->names, e);
}

const char *
csv_guess_delimiter(const char *p, const struct csv_field *f)
{
	static const char *const usual[] = { ",", ";", "|" };

	for (size_t i = 0; i < f->len && !f->is_quoted; i++) {
		if (p[i] == '\t')
			return "\\t";
		for (size_t k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
			if (p[i] == *usual[k])
				return usual[k];
	}
	return NULL;
}

/* Refuses a header that is probably not the header of a CSV file in UTF-8: its
 * names would make no sense. */
static int
check_csv_header(const char *p, size_t len, size_t n, struct err *e)
{
	const struct compression *z = compression_find(p, len);

	if (z != NULL)
		return err_set(e, ERR_DATA, false, "the file is compressed: "
		    "decompress it with %s -dc, or give it a name that ends "
		    "in %s", z->program, z->suffix);
	if (len > CSV_HEADER_MAX || n > CSV_COLUMNS_MAX)
		return err_set(e, ERR_DATA, false, "the header has %zu columns "
		    "in %zu bytes, more than %d columns or %d bytes: check "
		    "--delimiter, or give --columns if there is no header",
		    n, len, CSV_COLUMNS_MAX, CSV_HEADER_MAX);
	if (utf8_valid_length(p, len) != len || memchr(p, '\0', len) != NULL)
		return err_set(e, ERR_DATA, false, "the header is not UTF-8 "
		    "text: if the file has another encoding, name it with "
		    "--encoding, for example latin1 or utf-16");
	if (memchr(p, '\r', len) != NULL && memchr(p, '\n', len) == NULL)
		return err_set(e, ERR_DATA, false, "the header contains a "
		    "carriage return that is not followed by a line feed: if "
		    "the lines end so, convert the file with tr '\\r' '\\n'");
	return 0;
}

int
csv_columns_set(struct csv_columns *c, const char *p, size_t len,
    const struct csv_field *f, size_t n, char quote, struct err *e)
{
	struct buf name;
	int rc = check_csv_header(p, len, n, e);

	if (rc == -1)
		return -1;
	if ((c->column = calloc(n, sizeof(*c->column))) == NULL)
		return err_nomem(e);
	buf_init(&name, CSV_HEADER_MAX);
	for (size_t i = 0; i < n && rc == 0; i++) {
		buf_clear(&name);
		csv_append_field(&name, p, &f[i], quote);
		(void)buf_text(&name);
		rc = buf_check(&name, e);
		if (rc == 0)
			rc = add_column(c, buf_text(&name), e);
	}
	if (rc == 0) {
		buf_char(&c->json, ']');
		rc = buf_check(&c->json, e);
	}
	buf_release(&name);
	return rc;
}

int
csv_scan_option(struct csv_scan *s, const char *option, const char *text,
    struct err *e)
{
	static const struct csv_dialect d = { .delimiter = ',', .quote = '"' };
	const size_t len = strlen(text);

	csv_scan_init(s, &d);
	csv_scan_begin(s, SIZE_MAX);
	switch (csv_scan_record(s, text, len, true)) {
	case CSV_NOMEM:
		return err_nomem(e);
	case CSV_RECORD:
		if (len > 0 && s->length == len)
			return 0;
		/* FALLTHROUGH */
	default:
		return err_set(e, ERR_USAGE, false, "%s '%.100s': give a list "
		    "that is separated by commas", option, text);
	}
}

int
csv_columns_parse(struct csv_columns *c, const char *text, struct err *e)
{
	struct csv_scan s;
	int rc = csv_scan_option(&s, "--columns", text, e);

	if (rc == 0)
		rc = csv_columns_set(c, text, strlen(text), s.field, s.n, '"',
		    e);
	csv_scan_release(&s);
	return rc;
}

ptrdiff_t
csv_columns_find(const struct csv_columns *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->column[i].name, name) == 0)
			return (ptrdiff_t)i;
	return -1;
}
