/* The member "files" of the marks checkpoint and failed. */
#include "mark.h"

#include "json/write.h"

#include <string.h>

bool
mark_files_are_valid(const struct json *j, uint32_t a)
{
	const struct json_tok *t = j->tok;

	if (t[a].type != JSON_ARRAY)
		return false;
	for (uint32_t i = a + 1; i < t[a].next; i = t[i].next) {
		const struct json_tok *path, *size, *mtime;

		if (t[i].type != JSON_OBJECT)
			return false;
		path = &t[json_member_value(j, i, "path", 4)];
		size = &t[json_member_value(j, i, "size", 4)];
		mtime = &t[json_member_value(j, i, "mtime", 5)];
		if (path->type != JSON_STRING || mtime->type != JSON_STRING ||
		    size->type != JSON_NUMBER ||
		    ((path->flags | mtime->flags) & (JSON_NUL | JSON_LONE)) ||
		    j->text[size->at] == '-' || (size->flags & JSON_FRACTION))
			return false;
	}
	return true;
}

/* Sets *files to the token of the member "files", or to 0 if the mark has
 * none. */
static int
parse_files(struct json *j, const char *line, size_t len, uint32_t *files,
    struct err *e)
{
	struct json_fault f = { 0 };

	if (json_scan(j, line, len, 3, JSON_UNIQUE, &f) == -1)
		return f.nomem ? err_nomem(e) : err_set(e, ERR_PEER, false,
		    "broken mark (a line with \"@etl\"): %s", f.why);
	*files = json_member_value(j, 0, "files", 5);
	return *files == 0 || j->tok[*files].type == JSON_ARRAY ? 0 :
	    err_set(e, ERR_PEER, false, "broken mark (a line with \"@etl\"): "
		"\"files\" is not an array");
}

/* Appends a copy of the mark of j. Inserts `more`, the elements of an array, at
 * the start of the mark's array of files (token `own`). If own is 0, the mark
 * has no such array: adds one. */
static void
put_more_files(struct buf *b, const struct json *j, uint32_t own,
    const char *more, size_t n)
{
	const size_t end = (size_t)j->tok[0].at + j->tok[0].len - 1;
	size_t at = end;

	if (own != 0)
		at = (size_t)j->tok[own].at + 1;
	buf_add(b, j->text, at);
	if (own == 0)
		buf_str(b, ",\"files\":[");
	buf_add(b, more, n);
	if (own == 0)
		buf_char(b, ']');
	else if (j->tok[own].members > 0)
		buf_char(b, ',');
	buf_add(b, j->text + at, j->len - at);
}

int
mark_add_files(struct buf *out, const char *line, size_t len, const char *older,
    size_t older_len, struct err *e)
{
	struct json j = { 0 }, k = { 0 };
	uint32_t own = 0, more = 0;
	int rc = -1;

	if (parse_files(&k, older, older_len, &more, e) == 0 &&
	    parse_files(&j, line, len, &own, e) == 0) {
		if (more == 0 || k.tok[more].members == 0)
			buf_add(out, line, len);
		else
			put_more_files(out, &j, own,
			    k.text + k.tok[more].at + 1, k.tok[more].len - 2);
		rc = buf_check(out, e);
	}
	json_release(&j);
	json_release(&k);
	return rc;
}
