#include "mark.h"

#include "base/text.h"

static const char mark_name[] = "@etl";

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' ||
	    *p == '\n'))
		p++;
	return p;
}

bool
is_mark_line(const char *line, size_t len)
{
	const char *p = line, *end = line + len;

	if (len > 2 && p[0] == '{' && p[1] == '"' && p[2] != '@' &&
	    p[2] != '\\')
		return false;
	p = skip_space(p, end);
	if (p == end || *p++ != '{')
		return false;
	p = skip_space(p, end);
	if (p == end || *p++ != '"')
		return false;
	for (const char *m = mark_name; *m != '\0'; m++) {
		if (end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
			if (text_parse_hex4(p + 2, end) != *m)
				return false;
			p += 6;
		} else if (p == end || *p++ != *m) {
			return false;
		}
	}
	return p < end && *p == '"';
}
