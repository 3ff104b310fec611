#include "new_files/new_files_impl.h"

#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Notes that the file cannot be read, with the cause. */
static int
note_why(struct file_entry *f, const struct err *why, struct err *e)
{
	if ((f->why = malloc(sizeof(*f->why))) == NULL)
		return err_nomem(e);
	*f->why = *why;
	return 0;
}

static bool
is_unchanged(const struct file_entry *f, const struct known_file *k)
{
	char mtime[FILE_MTIME];

	file_mtime_format(mtime, f->version.mtime);
	return f->version.size == (uint64_t)k->size &&
	    strcmp(mtime, k->mtime) == 0;
}

/* With --changed fail, notes an error for a file that has changed. Returns 1:
 * the file must be read, or its error reported. */
static int
judge_changed(const struct new_files *n, struct file_entry *f,
    const struct known_file *k, struct err *e)
{
	struct err why;

	if (n->o->changed == NULL || strcmp(n->o->changed, "fail") != 0)
		return 1;
	(void)err_set(&why, ERR_DATA, false, "%s: has changed since it was "
	    "read: it had %lld bytes and the time %s: give --changed reread "
	    "to read it again", f->name, (long long)k->size, k->mtime);
	return note_why(f, &why, e) == -1 ? -1 : 1;
}

/* Returns 1 if the file must be read or its error reported, 0 if it must not be
 * read, -1 on failure. */
static int
judge_file(const struct new_files *n, struct file_entry *f, struct err *e)
{
	const struct known_file *k = known_files_find(&n->known, f->name);
	const size_t len = strlen(f->name);
	struct err why;

	if (f->why != NULL)
		return 1;
	if (utf8_valid_length(f->name, len) != len) {
		(void)err_set(&why, ERR_CONFIG, false, "%s: the name is not "
		    "UTF-8, so --new-files cannot store it: rename the file",
		    f->name);
		return note_why(f, &why, e) == -1 ? -1 : 1;
	}
	f->was_done = k != NULL && !k->is_broken;
	f->was_broken = k != NULL && k->is_broken;
	if (!new_files_note_version(f) || k == NULL || k->is_broken)
		return 1;
	return is_unchanged(f, k) ? 0 : judge_changed(n, f, k, e);
}

struct place {
	struct file_entry *entry;       /* in the list */
};

static int
compare_places(const void *a, const void *b)
{
	const struct place *f = a, *g = b;
	const int order = strcmp(f->entry->name, g->entry->name);

	return order != 0 ? order :
	    (f->entry > g->entry) - (f->entry < g->entry);
}

/* A file that is named more than once is read only once, at its first place in
 * the list. */
static int
drop_repeated(struct file_list *l, struct err *e)
{
	struct place *v = calloc(l->n + 1, sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < l->n; i++)
		v[i].entry = &l->v[i];
	qsort(v, l->n, sizeof(*v), compare_places);
	for (size_t i = 1; i < l->n; i++)
		v[i].entry->is_left_out =
		    strcmp(v[i].entry->name, v[i - 1].entry->name) == 0;
	free(v);
	return 0;
}

/* Moves the files that an earlier run found broken to the end of the list.
 * Removes the files that are left out. */
static int
arrange_files(struct file_list *l, struct err *e)
{
	struct file_entry *v = calloc(l->n + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return err_nomem(e);
	for (int broken = 0; broken <= 1; broken++)
		for (size_t i = 0; i < l->n; i++)
			if (!l->v[i].is_left_out &&
			    l->v[i].was_broken == (broken == 1))
				v[n++] = l->v[i];
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].is_left_out) {
			free(l->v[i].name);
			free(l->v[i].why);
		}
	free(l->v);
	l->v = v;
	l->cap = l->n + 1;
	l->n = n;
	return 0;
}

int
new_files_choose(struct new_files *n, struct file_list *l, struct err *e)
{
	int rc;

	if (drop_repeated(l, e) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		struct file_entry *f = &l->v[i];

		if (f->is_left_out)
			continue;
		if ((rc = judge_file(n, f, e)) == -1)
			return -1;
		f->is_left_out = rc == 0;
	}
	return arrange_files(l, e);
}
