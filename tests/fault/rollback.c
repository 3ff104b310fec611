/* LD_PRELOAD: whoever asks SQLite for WAL mode keeps the mode that there is.
 * So the sweep has a rollback journal, which the programs themselves use only
 * where WAL cannot be. */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

typedef int callback(void *, int, char **, char **);
typedef int exec_fn(void *, const char *, callback *, void *, char **);
exec_fn sqlite3_exec;

int
sqlite3_exec(void *db, const char *sql, callback *each, void *arg, char **msg)
{
	exec_fn *real = NULL;

	if (strcmp(sql, "PRAGMA journal_mode = WAL") == 0)
		return 0;
	*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_exec");
	return real(db, sql, each, arg, msg);
}
