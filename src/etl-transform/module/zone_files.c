#include "module/zone_files.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

static const char zoneinfo_folder[] = "/usr/share/zoneinfo";

enum { ALL_FILES_MAX = 64 << 20, FILES_MIN = 512 };

struct entry {
	size_t name, text;      /* where they begin in `names` and `texts` */
	struct zone_file file;  /* filled when `texts` no longer grows */
	const char *zone;
};

struct zone_files {
	struct buf names, texts;
	struct entry *v;
	size_t n, cap;
};

static int
by_zone(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->zone, y->zone);
}

static struct entry *
add_entry(struct zone_files *f, struct err *e)
{
	size_t cap = f->cap != 0 ? f->cap * 2 : FILES_MIN;
	struct entry *v;

	if (f->n == f->cap) {
		if ((v = reallocarray(f->v, cap, sizeof(*v))) == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n] = (struct entry){
		.name = f->names.len, .text = f->texts.len
	};
	return &f->v[f->n];
}

/* Adds the file at `path` if it is a time zone file (TZif, RFC 9636). The
 * folder also has lists of zones, which are skipped. */
static int
add_file(struct zone_files *f, const char *path, struct err *e)
{
	struct entry *x = add_entry(f, e);

	if (x == NULL || file_read(&f->texts, path, e) == -1)
		return -1;
	x->file.len = f->texts.len - x->text;
	if (x->file.len < 4 ||
	    memcmp(f->texts.data + x->text, "TZif", 4) != 0) {
		f->texts.len = x->text;
		return 0;
	}
	buf_str(&f->names, path + sizeof(zoneinfo_folder));
	buf_char(&f->names, '\0');
	f->n++;
	return buf_check(&f->names, e);
}

/* The folder zoneinfo/right has each zone again with leap seconds, which
 * etl-transform does not count. The folder zoneinfo/posix has each zone again
 * unchanged. So both are skipped. */
static bool
is_other_copy(const FTSENT *t)
{
	return t->fts_level == 1 && (strcmp(t->fts_name, "right") == 0 ||
	    strcmp(t->fts_name, "posix") == 0);
}

/* Adds a file. Does not enter a folder with another copy of the time zones. */
static int
visit_file(struct zone_files *f, FTS *tree, FTSENT *t, struct err *e)
{
	switch (t->fts_info) {
	case FTS_D:
		if (is_other_copy(t))
			(void)fts_set(tree, t, FTS_SKIP);
		return 0;
	case FTS_F:
		return add_file(f, t->fts_path, e);
	case FTS_NS:
	case FTS_DNR:
	case FTS_ERR:
		errno = t->fts_errno;
		return errno == ENOENT ? 0 :
		    err_errno(e, ERR_INPUT, t->fts_path);
	default:
		return 0;
	}
}

static int
read_folder(struct zone_files *f, struct err *e)
{
	char path[sizeof(zoneinfo_folder)];
	char *const paths[] = { path, NULL };
	FTS *tree;
	FTSENT *t = NULL;
	int rc = 0;

	memcpy(path, zoneinfo_folder, sizeof(path));
	tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	if (tree == NULL)
		return err_errno(e, ERR_INPUT, zoneinfo_folder);
	while (rc == 0 && (errno = 0, t = fts_read(tree)) != NULL)
		rc = visit_file(f, tree, t, e);
	if (rc == 0 && errno != 0)
		rc = err_errno(e, ERR_INPUT, zoneinfo_folder);
	(void)fts_close(tree);
	return rc;
}

static void
sort_by_zone(struct zone_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].zone = f->names.data + f->v[i].name;
		f->v[i].file.text = f->texts.data + f->v[i].text;
	}
	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), by_zone);
}

int
zone_files_read_all(struct zone_files **out, struct err *e)
{
	struct zone_files *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	buf_init(&f->names, ALL_FILES_MAX);
	buf_init(&f->texts, ALL_FILES_MAX);
	if (read_folder(f, e) == -1) {
		zone_files_free(f);
		return -1;
	}
	sort_by_zone(f);
	*out = f;
	return 0;
}

void
zone_files_free(struct zone_files *f)
{
	if (f == NULL)
		return;
	buf_release(&f->names);
	buf_release(&f->texts);
	free(f->v);
	free(f);
}

const struct zone_file *
zone_files_find(const struct zone_files *f, const char *name, size_t len)
{
	char zone[128];
	const struct entry key = { .zone = zone }, *found;

	if (f == NULL || f->n == 0 || len >= sizeof(zone) ||
	    memchr(name, '\0', len) != NULL)
		return NULL;
	memcpy(zone, name, len);
	zone[len] = '\0';
	found = bsearch(&key, f->v, f->n, sizeof(*f->v), by_zone);
	return found != NULL ? &found->file : NULL;
}
