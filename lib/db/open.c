#include "db/db.h"

#include "db/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char by_default[] = "sqlite:etl.db";
enum { SCHEME = 7 };            /* "sqlite:" */

/* Sets the error for a URL of an unknown kind of database. The URL may hold a
 * password. So if it has a ":", "@" or "=", the message shows only the part
 * before the first of ":@/?=". */
static const struct driver *
refuse_url(const char *url, struct err *e)
{
	if (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0')
		(void)err_set(e, ERR_CONFIG, false, "%.200s: the URL of an "
		    "SQLite file has no host: write sqlite:PATH", url);
	else
		(void)err_set(e, ERR_CONFIG, false, "%.*s: no such kind of "
		    "database: use postgresql://HOST/NAME or sqlite:PATH",
		    (int)strcspn(url, strpbrk(url, ":@=") == NULL ? "" :
		    ":@/?="), url);
	return NULL;
}

/* Finds the driver for a URL. For SQLite, moves *url to the path after the
 * scheme. */
static const struct driver *
find_driver(const char **url, struct err *e)
{
	if (strncmp(*url, "postgresql://", 13) == 0 ||
	    strncmp(*url, "postgres://", 11) == 0)
		return &driver_pg;
	if (strncmp(*url, "sqlite://", 9) == 0 && (*url)[9] != '/')
		return refuse_url(*url, e);
	if (strncmp(*url, "sqlite:", 7) == 0 && (*url)[7] != '\0') {
		*url += 7;
		return &driver_sqlite;
	}
	if (strstr(*url, "://") == NULL && strchr(*url, '=') != NULL)
		return &driver_pg;
	return refuse_url(*url, e);
}

int
db_url_check(const char *url, struct err *e)
{
	const struct driver *d = find_driver(&url, e);

	if (d == NULL)
		return -1;
	return d->check != NULL ? d->check(url, e) : 0;
}

const char *
db_url_notice(const char *url)
{
	if (url == NULL)
		url = getenv("DATABASE_URL");
	if ((url != NULL && *url != '\0') ||
	    access(by_default + SCHEME, F_OK) == 0)
		return NULL;
	return "DATABASE_URL is not set, using ./etl.db";
}

/* Creates a missing database file with mode 0600; without the umask of 077
 * SQLite would create it with mode 0644. SQLite gives its -wal and -shm files
 * the mode of the database file. */
static int
open_connection(struct db *db, const char *url, bool creates_missing_file,
    struct err *e)
{
	mode_t users = umask(077);
	int rc = db->driver->open(
	    &db->conn, url, creates_missing_file, &db->fault, e);

	(void)umask(users);
	if (rc == -1)
		return -1;
	db->driver->name(db->conn, &db->name);
	return 0;
}

/* A plan does not create the file, but it must fail as a load would: sets the
 * error that SQLite reports if a file cannot be created in this folder. */
static int
check_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	int rc = 0;

	if (folder == NULL)
		return err_nomem(e);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == -1)
		rc = err_set(e, ERR_CREATE, false, "sqlite:%s: unable to open "
		    "database file: %s%s", path, strerror(errno),
		    fault_create_advice(errno));
	free(folder);
	return rc;
}

/* Opens an empty database in memory in place of the missing file `path`, under
 * the name of the file. */
static int
open_empty(struct db *db, const char *path, struct err *e)
{
	*e = (struct err){ 0 };
	if (open_connection(db, ":memory:", true, e) == -1)
		return -1;
	buf_clear(&db->name);
	buf_printf(&db->name, "sqlite:%s", path);
	return 0;
}

enum if_missing { MISSING_IS_CREATED, MISSING_FAILS, MISSING_IS_EMPTY };

/* Opens the URL; if it is NULL, the one of DATABASE_URL, or else the default
 * file. Sets *missing if the SQLite file does not exist. */
static int
open_url(struct db **out, const char *url, enum if_missing if_missing,
    bool *missing, struct err *e)
{
	struct db *db;
	bool named;
	int rc = -1;

	if (url == NULL)
		url = getenv("DATABASE_URL");
	named = url != NULL && *url != '\0';
	if (!named)
		url = by_default;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return err_nomem(e);
	buf_init(&db->name, 4096);
	if ((db->driver = find_driver(&url, e)) == NULL)
		goto out;
	rc = open_connection(db, url, if_missing == MISSING_IS_CREATED, e);
	*missing = rc == -1 && e->code == ERR_INPUT &&
	    db->driver == &driver_sqlite && if_missing != MISSING_IS_CREATED;
	if (*missing && if_missing == MISSING_IS_EMPTY &&
	    check_folder(url, e) == -1)
		goto out;
	if (*missing && (!named || if_missing == MISSING_IS_EMPTY))
		rc = open_empty(db, url, e);
	if (rc == 0)
		rc = buf_check(&db->name, e);
	if (rc == 0) {
		*out = db;
		db = NULL;
	}
out:
	db_close(db);
	return rc;
}

int
db_open(struct db **out, const char *url, struct err *e)
{
	bool missing;

	return open_url(out, url, MISSING_IS_CREATED, &missing, e);
}

int
db_open_existing(struct db **out, const char *url, struct err *e)
{
	bool missing;

	return open_url(out, url, MISSING_FAILS, &missing, e);
}

int
db_open_plan(struct db **out, const char *url, bool *missing, struct err *e)
{
	return open_url(out, url, MISSING_IS_EMPTY, missing, e);
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	if (db->conn != NULL && db->driver->start_close != NULL)
		db->driver->start_close(db->conn);
	db_free_cache(db);
	if (db->conn != NULL)
		db->driver->close(db->conn);
	db_forget_schema(db);
	buf_release(&db->name);
	free(db);
}
