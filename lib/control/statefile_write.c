#include "control/statefile_impl.h"

#include "control/file_replace.h"
#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

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
