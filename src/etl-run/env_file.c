#include "env_file.h"

#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* If a valid variable name starts at p, returns its end; else returns p. */
static char *
variable_name_end(char *p)
{
	if (isdigit((unsigned char)*p))
		return p;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return p;
}

static char *
strip_quotes(char *value, size_t n)
{
	if (n >= 2 && (value[0] == '"' || value[0] == '\'') &&
	    value[n - 1] == value[0]) {
		value[n - 1] = '\0';
		value++;
	}
	return value;
}

/* Sets the environment variable of a line NAME=VALUE, and appends a blank and
 * NAME to *names. Ignores an empty line and a comment. If the line is wrong,
 * returns -1 with errno 0. If memory is out, returns -1 with errno set. */
static int
set_variable(char *line, size_t n, struct buf *names)
{
	static const char export[] = "export ";
	char *name = line + strspn(line, " \t"), *end;

	errno = 0;
	if (strlen(line) != n)
		return -1;
	if (*name == '\0' || *name == '#')
		return 0;
	name = line;
	if (strncmp(name, export, sizeof(export) - 1) == 0)
		name += sizeof(export) - 1 +
		    strspn(name + sizeof(export) - 1, " \t");
	end = variable_name_end(name);
	if (end == name || *end != '=')
		return -1;
	*end++ = '\0';
	end = strip_quotes(end, n - (size_t)(end - line));
	if (names != NULL)
		buf_printf(names, " %s", name);
	return setenv(name, end, 1);
}

/* Sets the variables of all lines, and appends their names to *names. */
static int
read_variables(FILE *f, const char *path, struct buf *names, struct err *e)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &cap, f)) != -1) {
		number++;
		if (n > 0 && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (set_variable(line, (size_t)n, names) == -1)
			rc = errno != 0 ? err_errno(e, ERR_IO, path) :
			    err_set(e, ERR_CONFIG, false,
			    "%s: line %zu: expected NAME=VALUE", path, number);
	}
	if (rc == 0 && ferror(f))
		rc = err_errno(e, ERR_IO, path);
	free(line);
	return rc;
}

int
envfile_load(const char *path, struct buf *names, struct err *e)
{
	struct stat st;
	FILE *f = fopen(path, "re");
	int rc;

	if (f == NULL)
		return err_errno(e, ERR_INPUT, path);
	file_warn_access("etl-run", fileno(f), path);
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		rc = err_set(e, ERR_INPUT, false, "%s: is a directory: "
		    "give a file", path);
	else
		rc = read_variables(f, path, names, e);
	(void)fclose(f);
	return rc;
}
