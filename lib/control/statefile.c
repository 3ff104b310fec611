#include "control/statefile_impl.h"

#include "base/file.h"
#include "json/number.h"
#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
