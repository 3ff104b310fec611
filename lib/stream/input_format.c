#include "input_format.h"

#include "base/compression.h"
#include "base/hash.h"
#include "json/scan.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { SHORT_LINE = 80 };

static bool
starts_with(const char *p, size_t n, const char *magic, size_t len)
{
	return n >= len && memcmp(p, magic, len) == 0;
}

/* Returns true for a line of CSV or TSV: a text that has the separator, but no
 * "{". */
static bool
is_separated_by(const char *p, size_t n, char separator)
{
	return memchr(p, separator, n) != NULL && memchr(p, '{', n) == NULL &&
	    memchr(p, '\0', n) == NULL;
}

/* The line starts with "{". Returns true if it looks like the first line of a
 * JSON object over several lines: it is only "{", or it ends in a comma. The
 * end of a line of 80 bytes or more is ignored, because the caller may have cut
 * it. */
static bool
begins_object(const char *p, size_t n)
{
	return n == 1 || (n < SHORT_LINE && p[n - 1] == ',');
}

static const char *
guess_text_format(const char *p, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", *p) != NULL && *p != '\0') {
		p++;
		n--;
	}
	if (n == 0)
		return NULL;
	if (*p == '[')
		return "a JSON array: read it with "
		    "etl-extract --format json";
	if (*p == '{')
		return begins_object(p, n) ?
		    "JSON over several lines: read it with "
		    "etl-extract --format json" : NULL;
	if (*p == '<')
		return n >= 5 && strncasecmp(p, "<?xml", 5) == 0 ?
		    "XML, not JSON" : "HTML: the answer of a web server that "
		    "has no JSON at this address, perhaps a login page";
	if (is_separated_by(p, n, '\t'))
		return "TSV: read it with etl-extract --format tsv";
	if (is_separated_by(p, n, ','))
		return "CSV: read it with etl-extract --format csv";
	if (is_separated_by(p, n, ';'))
		return "CSV with semicolons: read it with "
		    "etl-extract --format csv --delimiter ';'";
	return NULL;
}

/* Recognizes a file format by its first bytes. Those of zip are from its
 * APPNOTE 4.3.7. FF FE and FE FF are the byte order marks of UTF-16; EF BB BF
 * is that of UTF-8. */
static const char *
guess_format(const char *p, size_t n)
{
	if (starts_with(p, n, "PK\x03\x04", 4))
		return "a zip archive: decompress it with unzip -p";
	if (starts_with(p, n, "\xff\xfe", 2) ||
	    starts_with(p, n, "\xfe\xff", 2))
		return "UTF-16: convert it with iconv -f UTF-16 -t UTF-8";
	if (starts_with(p, n, "\xef\xbb\xbf", 3)) {
		p += 3;
		n -= 3;
	}
	return guess_text_format(p, n);
}

void
input_advise_format(struct buf *b, const char *code, uint64_t line,
    const char *p, size_t n)
{
	static const char what[] = "; the input is not NDJSON (one JSON object "
	    "on each line), it looks like ";
	const struct compression *z = compression_find(p, n);
	const char *advice;

	if (line != 1 || (strcmp(code, "parse") != 0 &&
	    strcmp(code, "type") != 0 && strcmp(code, "encoding") != 0))
		return;
	if (strcmp(code, "type") == 0 && n > 0 && *p == '{')
		return; /* the line is an object: the filter of etl-transform
			 * has made a value that is no object of it */
	if (z != NULL)
		buf_printf(b, "%s%s: decompress it with %s -dc", what, z->name,
		    z->program);
	else if ((advice = guess_format(p, n)) != NULL)
		buf_printf(b, "%s%s", what, advice);
}

/* Returns true if a filter such as {id, title} may have copied the value from a
 * mark. The value is then null, because the mark has no such member, or it is a
 * uuid, as the id of the stream. */
static bool
may_be_mark_value(const struct json *j, const struct json_tok *value)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *p = j->text + value->at + 1;

	if (value->type != JSON_STRING || value->len != sizeof(form) + 1)
		return value->type == JSON_NULL;
	for (size_t i = 0; form[i] != '\0'; i++)
		if ((form[i] == '-') != (p[i] == '-'))
			return false;
	return true;
}

bool
input_may_be_mark(const char *p, size_t n)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	bool nulls = false, others = false;

	if (n > 0 && json_scan(&j, p, n, 2, JSON_LAST, &f) == 0 &&
	    j.tok[0].type == JSON_OBJECT)
		for (uint32_t i = 1; i < j.n; i = j.tok[i + 1].next) {
			nulls |= j.tok[i + 1].type == JSON_NULL;
			others |= !may_be_mark_value(&j, &j.tok[i + 1]);
		}
	json_release(&j);
	return nulls && !others;
}

void
input_advise_filter(struct buf *b, uint64_t line)
{
	buf_printf(b, "; the record of line %llu may be a mark that a filter "
	    "such as jq has changed: run that filter as \"etl-via COMMAND\"",
	    (unsigned long long)line);
}
