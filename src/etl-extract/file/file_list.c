#include "file/file_list.h"

#include "base/datetime.h"
#include "file/file_format.h"

#include <errno.h>
#include <fts.h>
#include <glob.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct expansion {
	struct file_list *list;
	struct file_filter filter;
	bool recursive;
	bool may_be_empty;      /* a directory without a file is no error */
	uint64_t others;        /* number of files in a directory that are not
				 * sources */
	uint64_t folders;       /* number of directories in it that are not
				 * read */
};

void
file_list_release(struct file_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].why);
	}
	free(l->v);
	*l = (struct file_list){ 0 };
}

/* WHY may be NULL. Adds the name. If `why` is not NULL, it is the reason why
 * the file cannot be read. */
static int
add_name(struct file_list *l, const char *name, const struct err *why,
    struct err *e)
{
	struct file_entry *v = l->v, new = { 0 };
	size_t cap = l->cap > 0 ? 2 * l->cap : 16;

	if (l->n == l->cap) {
		if ((v = realloc(v, cap * sizeof(*v))) == NULL)
			return err_nomem(e);
		l->v = v;
		l->cap = cap;
	}
	new.name = strdup(name);
	if (why != NULL && (new.why = malloc(sizeof(*why))) != NULL)
		*new.why = *why;
	if (new.name == NULL || (why != NULL && new.why == NULL)) {
		free(new.name);
		free(new.why);
		return err_nomem(e);
	}
	l->v[l->n++] = new;
	return 0;
}

static int
compare_files(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
add_file(struct expansion *x, const FTSENT *f, struct err *e)
{
	if (f->fts_name[0] == '.')
		return 0;
	if (x->filter.accepts(x->filter.self, f->fts_path))
		return add_name(x->list, f->fts_path, NULL, e);
	x->others++;
	return 0;
}

/* Adds a symbolic link to a file. Leaves out a link to a directory, which could
 * lead back to a directory above it. A link without a target is added: opening
 * it will fail, and the error tells the cause. */
static int
add_link_to_file(struct expansion *x, const FTSENT *f, struct err *e)
{
	struct stat st;

	if (stat(f->fts_accpath, &st) == -1 || S_ISREG(st.st_mode))
		return add_file(x, f, e);
	return 0;
}

static int
add_unreadable(struct expansion *x, const FTSENT *f, struct err *e)
{
	struct err why;

	errno = f->fts_errno;
	(void)err_errno(&why, ERR_INPUT, f->fts_path);
	return add_name(x->list, f->fts_path, &why, e);
}

static int
skip_special(struct expansion *x, const FTSENT *f)
{
	if (x->filter.accepts(x->filter.self, f->fts_path))
		err_warnf("etl-extract", "%s: is not a regular file and is "
		    "not read: give its name as SOURCE to read it",
		    f->fts_path);
	return 0;
}

static int
add_entry(struct expansion *x, FTS *fts, FTSENT *f, struct err *e)
{
	switch (f->fts_info) {
	case FTS_D:
		if (f->fts_level == 0 ||
		    (x->recursive && f->fts_name[0] != '.'))
			return 0;
		x->folders += f->fts_name[0] != '.';
		(void)fts_set(fts, f, FTS_SKIP);
		return 0;
	case FTS_F:
		return add_file(x, f, e);
	case FTS_SL:
	case FTS_SLNONE:
		return add_link_to_file(x, f, e);
	case FTS_DEFAULT:
		return skip_special(x, f);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return add_unreadable(x, f, e);
	default:
		return 0;
	}
}

static int
fail_no_file(const struct expansion *x, const char *dir, struct err *why)
{
	if (x->others == 0)
		return err_set(why, ERR_INPUT, false, "%s: the directory has "
		    "no file%s", dir, x->recursive ? "" :
		    "; --recursive also reads the directories in it");
	return err_set(why, ERR_INPUT, false, "%s: none of the %" PRIu64
	    " files of the directory has a name that ends in .csv, .tsv, "
	    ".ndjson or .jsonl: give --format to read all of them", dir,
	    x->others);
}

static int
add_directory(struct expansion *x, const char *name, struct err *e)
{
	char *path = strdup(name);
	char *const roots[] = { path, NULL };
	const size_t before = x->list->n;
	struct err why;
	FTSENT *f;
	FTS *fts;
	int rc = 0;

	/* Remove slashes at the end, so that the names of the files have no
	 * "//". */
	for (size_t n = strlen(name); path != NULL && n > 1 &&
	    path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	if (path == NULL || (fts = fts_open(roots,
		FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_files)) ==
	    NULL) {
		free(path);
		return err_nomem(e);
	}
	x->others = x->folders = 0;
	errno = 0;
	while (rc == 0 && (f = fts_read(fts)) != NULL) {
		rc = add_entry(x, fts, f, e);
		errno = 0;
	}
	if (rc == 0 && errno != 0)
		rc = err_errno(e, ERR_IO, name);
	if (rc == 0 && x->list->n == before &&
	    (!x->may_be_empty || x->others > 0 || x->folders > 0)) {
		(void)fail_no_file(x, name, &why);
		rc = add_name(x->list, name, &why, e);
	}
	(void)fts_close(fts);
	free(path);
	return rc;
}

/* A name that does not exist is added as a file. Opening it will fail, and the
 * error tells the cause. */
static int
add_path(struct expansion *x, const char *name, struct err *e)
{
	struct stat st;
	struct err why;

	if (stat(name, &st) == 0)
		return S_ISDIR(st.st_mode) ? add_directory(x, name, e) :
		    add_name(x->list, name, NULL, e);
	if (errno == ENOENT || errno == ENOTDIR)
		return add_name(x->list, name, NULL, e);
	(void)err_errno(&why, ERR_INPUT, name);
	return add_name(x->list, name, &why, e);
}

static int
add_glob(struct expansion *x, const char *pattern, struct err *e)
{
	struct err why;
	glob_t g = { 0 };
	int rc = 0;

	switch (glob(pattern, GLOB_ERR, NULL, &g)) {
	case 0:
		for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++)
			rc = add_path(x, g.gl_pathv[i], e);
		break;
	case GLOB_NOMATCH:
		(void)err_set(&why, ERR_INPUT, false, "%s: no file has a name "
		    "that matches this pattern", pattern);
		rc = add_name(x->list, pattern, &why, e);
		break;
	case GLOB_NOSPACE:
		rc = err_nomem(e);
		break;
	default:
		(void)err_errno(&why, ERR_INPUT, pattern);
		rc = add_name(x->list, pattern, &why, e);
	}
	globfree(&g);
	return rc;
}

int
file_list_single(struct file_list *l, const char *name, struct err *e)
{
	*l = (struct file_list){ 0 };
	return add_name(l, name, NULL, e);
}

int
file_list_expand(struct file_list *l, char *const *source, size_t n,
    bool recursive, bool may_be_empty, struct file_filter filter,
    struct err *e)
{
	struct expansion x = { .list = l, .filter = filter,
	    .recursive = recursive, .may_be_empty = may_be_empty };
	struct stat st;
	int rc = 0;

	*l = (struct file_list){ 0 };
	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *s = source[i];

		if (scheme_is_present(s) || strcmp(s, "-") == 0)
			rc = add_name(l, s, NULL, e);
		else if (strpbrk(s, "*?[") != NULL && lstat(s, &st) == -1 &&
		    errno == ENOENT)
			rc = add_glob(&x, s, e);
		else
			rc = add_path(&x, s, e);
	}
	return rc;
}

void
file_version_of(struct file_version *v, const struct stat *st)
{
	*v = (struct file_version){ .dev = st->st_dev, .ino = st->st_ino,
	    .size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
	    .mtime = st->st_mtim };
}

bool
file_version_is_same(
    const struct file_version *a, const struct file_version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}

void
file_mtime_format(char out[FILE_MTIME], struct timespec t)
{
	char second[DATETIME_TEXT];

	(void)datetime_write(second, t.tv_sec);
	(void)snprintf(out, FILE_MTIME, "%s.%09ldZ", second, t.tv_nsec);
}
