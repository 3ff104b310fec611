/* The files of a checkpoint in a state file. They are the member "files" of the
 * checkpoint's object, which has a member for each path. */
#include "control/statefile_impl.h"

#include "json/number.h"
#include "json/write.h"

#include <string.h>

static uint32_t
find_files_member(const struct statefile *f, uint32_t entry)
{
	return entry == 0 ? 0 : json_member_value(&f->j, entry, "files", 5);
}

static uint32_t
file_member(const struct json *j, uint32_t object, const char *name)
{
	return json_member_value(j, object, name, strlen(name));
}

static bool
is_text(const struct json *j, uint32_t i)
{
	return i != 0 && j->tok[i].type == JSON_STRING &&
	    (j->tok[i].flags & (JSON_NUL | JSON_LONE)) == 0;
}

static bool
read_file_size(const struct json *j, uint32_t file, int64_t *size)
{
	uint32_t i = file_member(j, file, "size");
	const struct json_tok *t = &j->tok[i];

	return i != 0 && t->type == JSON_NUMBER &&
	    number_to_int64(j->text + t->at, t->len, size) && *size >= 0;
}

uint32_t
statefile_bad_file(const struct statefile *f, uint32_t entry, const char **why)
{
	uint32_t files = find_files_member(f, entry);
	const struct json_tok *t = f->j.tok;
	int64_t size;

	if (files == 0)
		return 0;
	*why = "\"files\" must be an object";
	if (t[files].type != JSON_OBJECT)
		return files;
	*why = "a file needs its path, \"size\" and \"mtime\"";
	for (uint32_t i = files + 1; i < t[files].next; i = t[i + 1].next)
		if (!is_text(&f->j, i) || t[i + 1].type != JSON_OBJECT ||
		    !is_text(&f->j, file_member(&f->j, i + 1, "mtime")) ||
		    !read_file_size(&f->j, i + 1, &size))
			return i;
	return 0;
}

/* Returns the string of token i without its escapes. It is stored in *b, and is
 * valid until *b changes. */
static const char *
unescape_text(const struct json *j, uint32_t i, struct buf *b)
{
	buf_clear(b);
	json_unescape(b, j, i);
	return buf_text(b);
}

int
statefile_each_file(const struct statefile *f, uint32_t entry,
    file_state_each *each, void *self, struct err *e)
{
	const uint32_t files = find_files_member(f, entry);
	const struct json_tok *t = f->j.tok;
	struct buf path, mtime, hash, status;
	int rc = 0;

	buf_init(&path, STATEFILE_MAX);
	buf_init(&mtime, STATEFILE_MAX);
	buf_init(&hash, STATEFILE_MAX);
	buf_init(&status, STATEFILE_MAX);
	for (uint32_t i = files + 1; files != 0 && rc == 0 &&
	    i < t[files].next; i = t[i + 1].next) {
		uint32_t h = file_member(&f->j, i + 1, "sha256");
		uint32_t s = file_member(&f->j, i + 1, "status");
		struct file_state file = {
		    .path = unescape_text(&f->j, i, &path),
		    .mtime = unescape_text(
			&f->j, file_member(&f->j, i + 1, "mtime"), &mtime),
		    .sha256 = is_text(&f->j, h) ?
			unescape_text(&f->j, h, &hash) : NULL,
		    .is_broken = is_text(&f->j, s) && strcmp(
			unescape_text(&f->j, s, &status), "failed") == 0 };

		(void)read_file_size(&f->j, i + 1, &file.size);
		if (buf_check(&path, e) == -1 || buf_check(&mtime, e) == -1 ||
		    buf_check(&hash, e) == -1 ||
		    buf_check(&status, e) == -1 || each(self, &file, e) == -1)
			rc = -1;
	}
	buf_release(&path);
	buf_release(&mtime);
	buf_release(&hash);
	buf_release(&status);
	return rc;
}

/* Appends a file as PATH:{...}. Token i is an element of the array of files, of
 * a form such as {"path":...,"size":...}. Other members than size, mtime and
 * sha256 are not copied. */
static void
put_file(struct buf *b, const struct json *j, uint32_t i, bool is_broken)
{
	const char *names[] = { "size", "mtime", "sha256" };

	json_put_compact(b, j, file_member(j, i, "path"));
	buf_str(b, ":{");
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (file_member(j, i, names[k]) != 0) {
			json_put_raw(b, names[k], "", 0);
			json_put_compact(b, j, file_member(j, i, names[k]));
		}
	if (is_broken)
		json_put_text(b, "status", "failed");
	buf_char(b, '}');
}

/* Holds both lists of a struct files_change as parsed JSON, and an object with
 * all paths of the two lists as its member names. */
struct changed {
	struct json list[2];    /* list[0]: the files that are done; list[1]:
	                         * those that are broken */
	struct json paths;
	struct buf text;        /* {PATH:0,...} */
};

static int
scan_files(struct json *j, const char *text, size_t n, struct err *e)
{
	struct json_fault f = { 0 };

	if (json_scan(j, text, n, 3, JSON_LAST, &f) == 0)
		return 0;
	return f.nomem ? err_nomem(e) : err_bug(e, "a list of files is not "
	    "JSON: %s", f.why);
}

static int
parse_change(struct changed *c, const struct files_change *change,
    struct err *e)
{
	const char *text[] = { change->done, change->broken };

	buf_char(&c->text, '{');
	for (size_t k = 0; k < 2; k++) {
		const struct json *j = &c->list[k];

		if (scan_files(&c->list[k], text[k] != NULL ? text[k] : "[]",
		    text[k] != NULL ? strlen(text[k]) : 2, e) == -1)
			return -1;
		for (uint32_t i = 1; i < j->tok[0].next; i = j->tok[i].next) {
			buf_str(&c->text, c->text.len > 1 ? "," : "");
			json_put_compact(
			    &c->text, j, file_member(j, i, "path"));
			buf_str(&c->text, ":0");
		}
	}
	buf_char(&c->text, '}');
	return buf_check(&c->text, e) == -1 ? -1 :
	    scan_files(&c->paths, c->text.data, c->text.len, e);
}

/* Appends a comma, except at the start of an object. */
static void
put_comma(struct buf *b)
{
	if (b->len > 0 && b->data[b->len - 1] != '{')
		buf_char(b, ',');
}

/* Appends the stored files that the change does not name. */
static int
put_other_files(struct buf *b, const struct statefile *f, uint32_t files,
    const struct json *changed, struct err *e)
{
	const struct json_tok *t = f->j.tok;
	struct buf path;

	buf_init(&path, STATEFILE_MAX);
	for (uint32_t i = files + 1; files != 0 && i < t[files].next;
	    i = t[i + 1].next) {
		if (file_member(
		    changed, 0, unescape_text(&f->j, i, &path)) != 0)
			continue;
		put_comma(b);
		buf_add(b, f->j.text + t[i].at, t[i].len);
		buf_char(b, ':');
		json_put_compact(b, &f->j, i + 1);
	}
	b->failed |= path.failed;
	buf_release(&path);
	return buf_check(b, e);
}

static void
put_changed_files(struct buf *b, const struct changed *c)
{
	for (size_t k = 0; k < 2; k++) {
		const struct json *j = &c->list[k];

		for (uint32_t i = 1; i < j->tok[0].next; i = j->tok[i].next) {
			put_comma(b);
			put_file(b, j, i, k == 1);
		}
	}
}

int
statefile_put_files(struct buf *b, const struct statefile *f,
    uint32_t entry, const struct files_change *change, struct err *e)
{
	uint32_t files = find_files_member(f, entry);
	struct changed c = { 0 };
	int rc;

	if (files == 0 && change->done == NULL && change->broken == NULL)
		return 0;
	buf_init(&c.text, SIZE_MAX / 4);
	rc = parse_change(&c, change, e);
	if (rc == 0) {
		json_put_raw(b, "files", "{", 1);
		rc = put_other_files(b, f, files, &c.paths, e);
		put_changed_files(b, &c);
		buf_char(b, '}');
	}
	json_release(&c.list[0]);
	json_release(&c.list[1]);
	json_release(&c.paths);
	buf_release(&c.text);
	return rc == 0 ? buf_check(b, e) : -1;
}
