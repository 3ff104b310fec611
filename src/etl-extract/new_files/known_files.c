#include "new_files/known_files.h"

#include <stdlib.h>
#include <string.h>

static void
free_file(struct known_file *f)
{
	free(f->path);
	free(f->mtime);
	free(f->sha256);
}

static int
grow(struct known_files *k, struct err *e)
{
	size_t cap = k->cap > 0 ? 2 * k->cap : 64;
	struct known_file *v = realloc(k->v, cap * sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	k->v = v;
	k->cap = cap;
	return 0;
}

int
known_files_add(void *self, const struct file_state *f, struct err *e)
{
	struct known_files *k = self;
	struct known_file new = { .size = f->size,
	    .is_broken = f->is_broken };

	if (k->n == k->cap && grow(k, e) == -1)
		return -1;
	new.path = strdup(f->path);
	new.mtime = strdup(f->mtime);
	if (f->sha256 != NULL)
		new.sha256 = strdup(f->sha256);
	if (new.path == NULL || new.mtime == NULL ||
	    (f->sha256 != NULL && new.sha256 == NULL)) {
		free_file(&new);
		return err_nomem(e);
	}
	k->v[k->n++] = new;
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	const struct known_file *f = a, *g = b;

	return strcmp(f->path, g->path);
}

void
known_files_sort(struct known_files *k)
{
	if (k->n > 0)
		qsort(k->v, k->n, sizeof(*k->v), compare_paths);
}

static int
compare_with_path(const void *path, const void *file)
{
	return strcmp(path, ((const struct known_file *)file)->path);
}

const struct known_file *
known_files_find(const struct known_files *k, const char *path)
{
	return k->n == 0 ? NULL :
	    bsearch(path, k->v, k->n, sizeof(*k->v), compare_with_path);
}

void
known_files_release(struct known_files *k)
{
	for (size_t i = 0; i < k->n; i++)
		free_file(&k->v[i]);
	free(k->v);
	*k = (struct known_files){ 0 };
}
