#include "control/statefile.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/errval.h"
#include "base/file.h"
#include "base/stop.h"
#include "json/number.h"
#include "json/scan.h"
#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATEFILE_MAX = 64 << 20 };

struct statefile {
	const char *path;
	struct buf text;
	struct json j;
	uint32_t at;            /* token of the name that statefile_next()
	                         * returns next */
	struct buf name, value;
};

/* The files of a checkpoint in a state file. They are the member "files" of the
 * checkpoint's object, which has a member for each path. */

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

/* Checks the member "files" of the checkpoint whose object is token `entry`.
 * Returns the token that is not valid, and sets *why; or returns 0. */
static uint32_t
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

/* Calls each() for each file of the checkpoint whose object is token `entry`.
 * An entry of 0 means that there is no such checkpoint. */
static int
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

/* Appends the member "files" of a checkpoint: the stored files with the change
 * applied. `entry` is the token of the checkpoint's object, or 0 if there is
 * none. Appends nothing if nothing is stored and the change has no files. */
static int
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

enum { LEVELS = 5 };

int
statefile_parse(const char **path, const char *where, struct err *e)
{
	if (strncmp(where, "file:", 5) != 0 || where[5] == '\0')
		return err_set(e, ERR_USAGE, false, "--state %s: write it as "
		    "file:PATH", where);
	*path = where + 5;
	return 0;
}

/* Reads the open file. Fails if it is not a regular file. */
static int
read_regular_file(struct statefile *f, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_errno(e, ERR_IO, f->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, false, "%s: not a regular file: "
		    "name another state file",
		    f->path);
	return file_read_fd(&f->text, fd, f->path, ERR_IO, e);
}

/* If the file does not exist, reads "{}": a state file without checkpoints. */
static int
read_state_file(struct statefile *f, struct err *e)
{
	int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), rc;

	if (fd == -1 && errno == ENOENT) {
		buf_str(&f->text, "{}");
		return buf_check(&f->text, e);
	}
	if (fd == -1)
		return err_errno(e, ERR_INPUT, f->path);
	rc = read_regular_file(f, fd, e);
	(void)close(fd);
	return rc;
}

/* Copies the string of JSON token i into b without its escapes, and with a NUL
 * at its end. */
static int
unescape_string(
    const struct statefile *f, uint32_t i, struct buf *b, struct err *e)
{
	buf_clear(b);
	json_unescape(b, &f->j, i);
	(void)buf_text(b);
	return buf_check(b, e);
}

/* Returns the number of the line that holds a byte offset; the first is 1. */
static size_t
line_number(const struct statefile *f, size_t at)
{
	size_t n = 1;

	for (size_t i = 0; i < at && i < f->text.len; i++)
		n += f->text.data[i] == '\n';
	return n;
}

static int
set_token_error(const struct statefile *f, uint32_t i, const char *why,
    struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "%s: line %zu: %s", f->path,
	    line_number(f, f->j.tok[i].at), why);
}

/* Returns true for a string without \u0000 and without half a surrogate
 * pair. */
static bool
is_plain_string(const struct statefile *f, uint32_t i)
{
	return f->j.tok[i].type == JSON_STRING &&
	    (f->j.tok[i].flags & (JSON_NUL | JSON_LONE)) == 0;
}

static int
read_entry_version(const struct statefile *f, uint32_t entry, int64_t *v,
    struct err *e)
{
	uint32_t i = json_member_value(&f->j, entry, "version", 7);
	const struct json_tok *t = &f->j.tok[i];

	if (i == 0)
		return set_token_error(f, entry, "the checkpoint has no "
		    "\"version\"", e);
	if (t->type == JSON_NUMBER &&
	    number_to_int64(f->j.text + t->at, t->len, v) && *v > 0 &&
	    *v < INT64_MAX)
		return 0;
	return set_token_error(f, i, "\"version\" must be a whole number from "
	    "1", e);
}

/* Checks the name of a checkpoint, and its members. */
static int
check_entry(struct statefile *f, uint32_t name, struct err *e)
{
	uint32_t entry = name + 1, value, bad;
	int64_t version;
	const char *why;

	if (!is_plain_string(f, name))
		return set_token_error(f, name, "a name must not have \\u0000 "
		    "or half a surrogate pair", e);
	if (unescape_string(f, name, &f->name, e) == -1)
		return -1;
	if (checkpoint_check_name(f->name.data, f->name.len, e) == -1)
		return set_token_error(f, name, "a name must have 1 to 512 "
		    "bytes", e);
	if (f->j.tok[entry].type != JSON_OBJECT)
		return set_token_error(f, entry, "a checkpoint is an object: "
		    "{\"value\": \"...\", \"version\": 1}", e);
	value = json_member_value(&f->j, entry, "value", 5);
	if (value == 0)
		return set_token_error(f, entry, "the checkpoint has no "
		    "\"value\"", e);
	if (f->j.tok[value].type != JSON_NULL && !is_plain_string(f, value))
		return set_token_error(f, value, "\"value\" must be null or a "
		    "text in quotes, without \\u0000 or half a surrogate pair",
		    e);
	if ((bad = statefile_bad_file(f, entry, &why)) != 0)
		return set_token_error(f, bad, why, e);
	return read_entry_version(f, entry, &version, e);
}

static int
parse_file(struct statefile *f, struct err *e)
{
	struct json_fault fault = { 0 };
	uint32_t end;

	if (f->text.len == 0)
		return err_set(e, ERR_CONFIG, false, "%s: the file is empty: "
		    "write {} into it, or remove it", f->path);
	if (json_scan(&f->j, f->text.data, f->text.len, LEVELS, JSON_UNIQUE,
	    &fault) == -1)
		return fault.nomem ? err_nomem(e) : err_set(e, ERR_CONFIG,
		    false, "%s: line %zu: not JSON: %s", f->path,
		    line_number(f, fault.at), fault.why);
	if (f->j.tok[0].type != JSON_OBJECT)
		return set_token_error(f, 0, "the file must hold a JSON "
		    "object", e);
	end = f->j.tok[0].next;
	for (uint32_t i = 1; i < end; i = f->j.tok[i + 1].next)
		if (check_entry(f, i, e) == -1)
			return -1;
	f->at = 1;
	return 0;
}

int
statefile_open(struct statefile **out, const char *path, struct err *e)
{
	struct statefile *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)err_nomem(e);
		return -1;
	}
	f->path = path;
	buf_init(&f->text, STATEFILE_MAX);
	buf_init(&f->name, STATEFILE_MAX);
	buf_init(&f->value, STATEFILE_MAX);
	if (read_state_file(f, e) == -1 || parse_file(f, e) == -1) {
		statefile_close(f);
		return -1;
	}
	*out = f;
	return 0;
}

void
statefile_close(struct statefile *f)
{
	if (f == NULL)
		return;
	json_release(&f->j);
	buf_release(&f->text);
	buf_release(&f->name);
	buf_release(&f->value);
	free(f);
}

int
statefile_next(struct statefile *f, struct checkpoint *c, struct err *e)
{
	uint32_t name = f->at, value;

	if (name >= f->j.tok[0].next)
		return 0;
	f->at = f->j.tok[name + 1].next;
	value = json_member_value(&f->j, name + 1, "value", 5);
	*c = (struct checkpoint){ 0 };
	if (unescape_string(f, name, &f->name, e) == -1 ||
	    read_entry_version(f, name + 1, &c->version, e) == -1)
		return -1;
	c->name = f->name.data;
	if (f->j.tok[value].type == JSON_NULL)
		return 1;
	if (unescape_string(f, value, &f->value, e) == -1)
		return -1;
	c->value = f->value.data;
	return 1;
}

int
statefile_read(const char *path, const char *name, char **value,
    int64_t *version, struct err *e)
{
	struct statefile *f;
	struct checkpoint c;
	int rc;

	*value = NULL;
	*version = 0;
	if (checkpoint_check_name(name, strlen(name), e) == -1 ||
	    statefile_open(&f, path, e) == -1)
		return -1;
	while ((rc = statefile_next(f, &c, e)) == 1)
		if (strcmp(c.name, name) == 0) {
			*version = c.version;
			if (c.value != NULL &&
			    (*value = strdup(c.value)) == NULL)
				rc = err_nomem(e);
			break;
		}
	statefile_close(f);
	return rc == -1 ? -1 : 0;
}

int
statefile_read_files(const char *path, const char *name,
    file_state_each *each, void *self, struct err *e)
{
	struct statefile *f;
	int rc;

	if (statefile_open(&f, path, e) == -1)
		return -1;
	rc = statefile_each_file(f,
	    json_member_value(&f->j, 0, name, strlen(name)), each, self, e);
	statefile_close(f);
	return rc;
}

int
statefile_validators(const char *path, const char *name,
    char **validators, struct err *e)
{
	struct statefile *f;
	uint32_t i;
	int rc = 0;

	*validators = NULL;
	if (statefile_open(&f, path, e) == -1)
		return -1;
	i = json_member_value(&f->j, 0, name, strlen(name));
	if (i != 0)
		i = json_member_value(&f->j, i, "validators", 10);
	if (i != 0 && f->j.tok[i].type == JSON_OBJECT &&
	    (*validators = strndup(
		f->j.text + f->j.tok[i].at, f->j.tok[i].len)) == NULL)
		rc = err_nomem(e);
	statefile_close(f);
	return rc;
}

/* Replaces a file atomically: a reader sees the old or the new content, whole.
 * Owns:  a lock on the folder from replace_begin() to replace_end(), so that
 *        two processes that read, change and replace the file cannot overwrite
 *        each other's change.
 * Gives: symbolic links are followed; the file keeps its mode. The next write
 *        replaces a temporary file that a killed process left behind.
 * Fails: ERR_RETRY if another process holds the lock for ten seconds. */

struct replace {
	int folder;             /* directory of the file; holds the lock */
	char *path;             /* path of the file, without symbolic links */
	char *temp;             /* path of the temporary file */
	const char *temp_name;  /* its last component */
};

static void replace_end(struct replace *r);

enum { LOCK_MS = 10000, STEP_MS = 10 };

/* Sets *e from errno. The error code is ERR_DENIED if errno says that a
 * permission is missing, else `code`. */
static int
set_path_error(struct err *e, enum err_code code, const char *path)
{
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		code = ERR_DENIED;
	return err_errno(e, code, path);
}

/* If the path is a symbolic link, sets *out to the file to which the link
 * leads, so that this file is replaced and not the link. Refuses a dangling
 * link. Calls lstat() before realpath(): if another process creates the missing
 * file between the two calls, realpath() finds it, and the link is not
 * refused. */
static int
resolve_link(char **out, const char *path, struct err *e)
{
	struct stat st;
	bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

	*out = realpath(path, NULL);
	if (*out != NULL)
		return 0;
	if (errno != ENOENT)
		return set_path_error(e, ERR_INPUT, path);
	if (link)
		return err_set(e, ERR_CONFIG, false,
		    "%s: a symbolic link to a file that does not exist: create "
		    "the file, or name another one", path);
	*out = strdup(path);
	return *out == NULL ? err_nomem(e) : 0;
}

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Opens the folder of the file and sets the path of the temporary file. */
static int
open_folder(struct replace *r, struct err *e)
{
	const char *base = last_component(r->path);
	struct buf name;
	int rc = -1;

	buf_init(&name, SIZE_MAX / 4);
	buf_add(&name, r->path, (size_t)(base - r->path));
	buf_char(&name, '.');
	(void)buf_text(&name);
	if (buf_check(&name, e) == -1)
		goto out;
	r->folder = open(name.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->folder == -1) {
		(void)set_path_error(e, ERR_CREATE, r->path);
		goto out;
	}
	buf_clear(&name);
	buf_printf(&name, "%.*s.%s.etl-new", (int)(base - r->path), r->path,
	    base);
	(void)buf_text(&name);
	if (buf_check(&name, e) == -1)
		goto out;
	r->temp = name.data;
	r->temp_name = last_component(r->temp);
	name.data = NULL;
	rc = 0;
out:
	buf_release(&name);
	return rc;
}

/* Takes a lock of flock(2) on the directory. The kernel releases it if the
 * process is killed, so no lock stays behind. */
static int
lock_folder(struct replace *r, struct err *e)
{
	int64_t end = clock_ms() + LOCK_MS;

	while (flock(r->folder, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK) {
			(void)err_errno(e, ERR_IO, r->path);
			err_prefix(e, "cannot lock the directory");
			return -1;
		}
		if (clock_ms() >= end || wait_ms(STEP_MS) == -1)
			return err_set(e, ERR_RETRY, true, "%s: another "
			    "process holds the lock of its directory: run the "
			    "command again later",
			    r->path);
	}
	return 0;
}

static int
replace_begin(struct replace *r, const char *path, struct err *e)
{
	*r = (struct replace){ .folder = -1 };
	if (resolve_link(&r->path, path, e) == 0 &&
	    open_folder(r, e) == 0 && lock_folder(r, e) == 0)
		return 0;
	replace_end(r);
	return -1;
}

static void
replace_end(struct replace *r)
{
	if (r->folder != -1)
		(void)close(r->folder);
	free(r->path);
	free(r->temp);
	*r = (struct replace){ .folder = -1 };
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done == -1 && errno != EINTR)
			return -1;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Retries only EINTR. After any other failure the kernel may have dropped the
 * data, so a second fsync(2) could succeed although nothing was written. */
static int
sync_fd(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

/* Gives the new file the owner and mode of the old one. Only root may change
 * the owner, so for other users that failure is ignored. */
static int
copy_owner(const struct replace *r, int fd)
{
	struct stat st;

	if (stat(r->path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	(void)!fchown(fd, st.st_uid, st.st_gid);
	return fchmod(fd, st.st_mode & 0777);
}

static int
write_temp_file(struct replace *r, const char *p, size_t n, struct err *e)
{
	int fd, rc = -1;

	if (unlinkat(r->folder, r->temp_name, 0) == -1 && errno != ENOENT)
		return set_path_error(e, ERR_CREATE, r->temp);
	fd = openat(r->folder, r->temp_name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return set_path_error(e, ERR_CREATE, r->temp);
	if (copy_owner(r, fd) == -1 || write_all(fd, p, n) == -1 ||
	    sync_fd(fd) == -1)
		(void)err_errno(e, ERR_IO, r->temp);
	else
		rc = 0;
	/* EINTR is no failure: the descriptor is closed, and fsync was done
	 * before. */
	if (close(fd) == -1 && errno != EINTR && rc == 0)
		rc = err_errno(e, ERR_IO, r->temp);
	return rc;
}

/* Writes the temporary file, syncs it, renames it over the file, and syncs the
 * folder. */
static int
replace_write(struct replace *r, const char *p, size_t n, struct err *e)
{
	int rc = write_temp_file(r, p, n, e);

	if (rc == 0 && renameat(r->folder, r->temp_name, r->folder,
	    last_component(r->path)) == -1)
		rc = set_path_error(e, ERR_IO, r->path);
	if (rc == -1) {
		(void)unlinkat(r->folder, r->temp_name, 0);
		return -1;
	}
	return sync_fd(r->folder) == -1 ? err_errno(e, ERR_IO, r->path) : 0;
}

enum { ANY_VERSION = -1 };

int
statefile_check(const char *path, struct err *e)
{
	struct statefile *f;
	struct replace r;
	int rc = -1;

	if (replace_begin(&r, path, e) == -1)
		return -1;
	if (faccessat(r.folder, ".", W_OK | X_OK, AT_EACCESS) == -1) {
		(void)err_errno(e, ERR_DENIED, path);
	} else if (statefile_open(&f, r.path, e) == 0) {
		statefile_close(f);
		rc = 0;
	}
	replace_end(&r);
	return rc;
}

/* The new content of a checkpoint's object. */
struct change {
	const char *name;
	const char *value;              /* NULL: null */
	const char *validators;         /* NULL: none */
	bool keeps_value;               /* and the validators */
	int64_t version;
	const struct files_change *files;       /* NULL: forget all files */
};

/* Appends the JSON object of a checkpoint with this value and version. All
 * other members are copied from its object in the file: `entry` is the index of
 * that object's token, or 0 if the file has no such checkpoint yet. */
static int
put_entry(struct buf *b, const struct statefile *f, uint32_t entry,
    const struct change *c, struct err *e)
{
	const char *value = c->value;

	buf_char(b, '{');
	if (c->keeps_value && entry != 0) {
		json_put_raw(b, "value", "", 0);
		json_put_compact(
		    b, &f->j, json_member_value(&f->j, entry, "value", 5));
	} else if (value != NULL) {
		json_put_text(b, "value", value);
	} else {
		json_put_raw(b, "value", "null", 4);
	}
	json_put_int(b, "version", c->version);
	if (c->validators != NULL)
		json_put_raw(b, "validators", c->validators,
		    strlen(c->validators));
	if (c->files != NULL &&
	    statefile_put_files(b, f, entry, c->files, e) == -1)
		return -1;
	for (uint32_t i = entry + 1; entry != 0 && i < f->j.tok[entry].next;
	    i = f->j.tok[i + 1].next) {
		if (i + 1 == json_member_value(&f->j, entry, "value", 5) ||
		    i + 1 == json_member_value(&f->j, entry, "version", 7) ||
		    (!c->keeps_value && i + 1 == json_member_value(
			&f->j, entry, "validators", 10)) ||
		    i + 1 == json_member_value(&f->j, entry, "files", 5))
			continue;
		buf_char(b, ',');
		buf_add(b, f->j.text + f->j.tok[i].at, f->j.tok[i].len);
		buf_char(b, ':');
		json_put_compact(b, &f->j, i + 1);
	}
	buf_char(b, '}');
	return 0;
}

/* Appends the content of the file, with the change of the checkpoint. */
static int
put_content(struct buf *b, const struct statefile *f, const struct change *c,
    struct err *e)
{
	uint32_t mine =
	    json_member_value(&f->j, 0, c->name, strlen(c->name));
	const struct json_tok *t = f->j.tok;
	int rc = 0;

	buf_char(b, '{');
	for (uint32_t i = 1; rc == 0 && i < t[0].next; i = t[i + 1].next) {
		buf_str(b, i == 1 ? "\n  " : ",\n  ");
		buf_add(b, f->j.text + t[i].at, t[i].len);
		buf_str(b, ": ");
		if (i + 1 == mine)
			rc = put_entry(b, f, mine, c, e);
		else
			json_put_compact(b, &f->j, i + 1);
	}
	if (mine == 0) {
		buf_str(b, t[0].members == 0 ? "\n  " : ",\n  ");
		json_put_string(b, c->name, strlen(c->name));
		buf_str(b, ": ");
		rc = put_entry(b, f, 0, c, e);
	}
	buf_str(b, "\n}\n");
	return rc;
}

/* Writes the file anew, with the change of the checkpoint. */
static int
replace_file(struct replace *r, const struct statefile *f,
    const struct change *c, struct err *e)
{
	struct buf b;
	int rc = -1;

	buf_init(&b, STATEFILE_MAX);
	if (put_content(&b, f, c, e) == -1 || buf_check(&b, e) == -1)
		err_prefix(e, "%s", r->path);
	else
		rc = replace_write(r, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

/* Sets *version to the version of the checkpoint `name`, or to 0 if the file
 * has no such checkpoint. */
static int
stored_version(struct statefile *f, const char *name, int64_t *version,
    struct err *e)
{
	struct checkpoint c;
	int rc;

	*version = 0;
	while ((rc = statefile_next(f, &c, e)) == 1)
		if (strcmp(c.name, name) == 0)
			*version = c.version;
	return rc;
}

/* Fails if the stored version is not `expected`; else writes the file. The
 * caller holds the lock of replace_begin(), so no other process can change the
 * file between the check and the write. */
static enum checkpoint_result
set_locked(struct replace *r, struct change *c, int64_t expected, struct err *e)
{
	enum checkpoint_result rc = CHECKPOINT_FAILED;
	const char *name = c->name;
	struct statefile *f;
	int64_t version;

	if (statefile_open(&f, r->path, e) == -1)
		return rc;
	if (stored_version(f, name, &version, e) == -1)
		goto out;
	if (expected == ANY_VERSION && version == 0 && c->value == NULL) {
		(void)err_set(e, ERR_LIMIT, false, "%s: no such checkpoint "
		    "in %s", name, r->path);
		goto out;
	}
	if (expected != ANY_VERSION && expected != version) {
		(void)err_set(e, ERR_RETRY, false, "checkpoint %s: its version "
		    "in %s is %" PRId64 ", but %" PRId64 " was expected: "
		    "another run or etl-checkpoint has changed it since this "
		    "run started, or etl-extract reads it from another --state "
		    "or --db", name, r->path, version,
		    expected);
		rc = CHECKPOINT_LOST;
		goto out;
	}
	c->version = version + 1;
	if (replace_file(r, f, c, e) == 0)
		rc = CHECKPOINT_MOVED;
out:
	statefile_close(f);
	return rc;
}

/* Locks the file, and then changes the checkpoint. */
static enum checkpoint_result
set_checkpoint(const char *path, struct change *c, int64_t expected,
    struct err *e)
{
	enum checkpoint_result rc;
	struct replace r;

	if (checkpoint_check_name(c->name, strlen(c->name), e) == -1 ||
	    replace_begin(&r, path, e) == -1)
		return CHECKPOINT_FAILED;
	rc = set_locked(&r, c, expected, e);
	replace_end(&r);
	return rc;
}

static const struct files_change no_files;

enum checkpoint_result
statefile_move(const char *path, const char *name, const char *value,
    const char *validators, const struct files_change *files, int64_t expected,
    struct err *e)
{
	struct change c = { .name = name, .value = value,
	    .validators = validators, .files = files };

	return set_checkpoint(path, &c, expected, e);
}

enum checkpoint_result
statefile_store_files(const char *path, const char *name,
    const struct files_change *files, int64_t expected, struct err *e)
{
	struct change c = { .name = name, .keeps_value = true,
	    .files = files };

	return set_checkpoint(path, &c, expected, e);
}

int
statefile_set(const char *path, const char *name, const char *value,
    struct err *e)
{
	struct change c = { .name = name, .value = value,
	    .files = value != NULL ? &no_files : NULL };

	return set_checkpoint(path, &c, ANY_VERSION, e) ==
	    CHECKPOINT_MOVED ? 0 : -1;
}
