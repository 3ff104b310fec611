#include "store.h"

#include "control/statefile.h"

static int
file_get(struct command *c, const char *name, char **value, int64_t *version,
    struct err *e)
{
	if (statefile_read(c->path, name, value, version, e) == -1)
		return -1;
	return *version > 0 ? 0 : err_set(e, ERR_LIMIT, false,
	    "%s: no such checkpoint in %s", name, c->path);
}

static int
file_set(struct command *c, const char *name, const char *value,
    struct err *e)
{
	return statefile_set(c->path, name, value, e);
}

static int
file_list(struct command *c, int (*each)(void *self,
    const struct checkpoint *p, struct err *e), void *self, struct err *e)
{
	struct checkpoint p;
	struct statefile *f;
	size_t n = 0;
	int rc;

	if (statefile_open(&f, c->path, e) == -1)
		return -1;
	while ((rc = statefile_next(f, &p, e)) == 1 && ++n > 0)
		if (each(self, &p, e) == -1) {
			rc = -1;
			break;
		}
	statefile_close(f);
	if (rc == 0 && n == 0)
		store_print_none(c->path);
	return rc;
}

const struct store store_file = {
	.get = file_get, .set = file_set, .list = file_list,
};
