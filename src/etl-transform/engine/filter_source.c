#include "engine/filter_source.h"

#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *
directive_skip_space(const char *p)
{
	for (;;) {
		while (isspace((unsigned char)*p))
			p++;
		if (*p != '#')
			return p;
		p += strcspn(p, "\n");
	}
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == ':';
}

/* If the word w is at *p, moves *p after it and the blanks that follow, and
 * returns true. */
static bool
skip_keyword(const char **p, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*p, w, n) != 0 || is_name_char((*p)[n]))
		return false;
	*p = directive_skip_space(*p + n);
	return true;
}

/* Returns the place after the string literal that begins at p. */
static const char *
skip_string(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/* Returns the place of the semicolon that ends the directive. */
static const char *
find_semicolon(const char *p)
{
	while (*p != '\0' && *p != ';') {
		p = *p == '"' ? skip_string(p) : p + 1;
		p = directive_skip_space(p);
	}
	return p;
}

bool
directive_parse(const char *p, struct directive *d)
{
	bool import;

	*d = (struct directive){ .start = p };
	d->module = skip_keyword(&p, "module");
	import = !d->module && skip_keyword(&p, "import");
	if (!d->module && !import && !skip_keyword(&p, "include"))
		return false;
	if (!d->module && *p == '"') {
		d->path = p + 1;
		p = skip_string(p);
		d->path_len = (size_t)(p - 1 - d->path);
		p = directive_skip_space(p);
	}
	if (import && skip_keyword(&p, "as")) {
		d->data = *p == '$';
		d->name = p + d->data;
		while (is_name_char(d->name[d->name_len]))
			d->name_len++;
		p = directive_skip_space(d->name + d->name_len);
	}
	d->metadata = p;
	p = find_semicolon(p);
	d->metadata_len = (size_t)(p - d->metadata);
	d->end = *p == ';' ? p + 1 : p;
	return true;
}

bool
directive_imports_etl(const struct directive *d)
{
	return !d->module && !d->data && d->path_len == 3 &&
	    memcmp(d->path, "etl", 3) == 0;
}

enum { MODULE_FILE_MAX = 16 << 20, PATH_TEXT_MAX = 64 << 10 };

struct imports {
	const struct opt_list *folders;         /* of -L */
	char **seen;            /* the real paths of the modules read so far */
	size_t n;
};

/* Where a directive stands. */
struct place {
	const char *folder;     /* of the module; NULL: in the filter */
	const char *what;       /* "filter", or the path of the module */
};

static int
refuse(const struct directive *d, const struct place *at, const char *why,
    struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "%s: import \"%.*s\": %s",
	    at->what, (int)d->path_len, d->path, why);
}

static bool
goes_up(const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (p[i] == '.' && p[i + 1] == '.' &&
		    (i == 0 || p[i - 1] == '/') &&
		    (i + 2 == n || p[i + 2] == '/'))
			return true;
	return false;
}

/* Refuses a name that libjq would search outside of the folders of -L. */
static int
check_module_name(const struct imports *m, const struct directive *d,
    const struct place *at, struct err *e)
{
	if (m->folders->n == 0)
		return refuse(d, at, "modules can only be imported with -L: "
		    "give their folder with -L DIR", e);
	if (memchr(d->path, '\\', d->path_len) != NULL)
		return refuse(d, at, "write the name without a backslash", e);
	if (goes_up(d->path, d->path_len) ||
	    (at->folder == NULL && d->path_len > 0 &&
	    strchr("/.~", *d->path) != NULL))
		return refuse(d, at, "modules are only searched in the folders "
		    "of -L: import without a search path and without / . or ~ "
		    "at the start of the name", e);
	return 0;
}

/* If the metadata of the import is {search: "./FOLDER"}, returns a pointer to
 * ./FOLDER in the text and sets *n to its length. Otherwise returns NULL. */
static const char *
find_search(const struct directive *d, size_t *n)
{
	const char *p = d->metadata, *end = p + d->metadata_len, *path;
	const char *const parts[] = { "{", "search", ":", "\"" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool quoted;

		while (p < end && isspace((unsigned char)*p))
			p++;
		quoted = i == 1 && p < end && *p == '"';
		p += quoted;
		if ((size_t)(end - p) < strlen(parts[i]) + quoted ||
		    strncmp(p, parts[i], strlen(parts[i])) != 0)
			return NULL;
		p += strlen(parts[i]);
		if (quoted && *p++ != '"')
			return NULL;
	}
	path = p;
	if (p == end || *p != '.' || (p = memchr(p, '"', (size_t)(end - p))) ==
	    NULL || goes_up(path, (size_t)(p - path)))
		return NULL;
	*n = (size_t)(p - path);
	for (p++; p < end && isspace((unsigned char)*p); p++)
		continue;
	return p < end && *p == '}' && (path[1] == '/' || *n == 1) ? path :
	    NULL;
}

/* Checks the metadata of an import, which may set a search path for the module:
 * import "a" as a {search: "./lib"}. The word search could be hidden by a
 * backslash in a string or by an expression, so these are refused too. */
static int
check_metadata(
    const struct directive *d, const struct place *at, struct err *e)
{
	const char *p = d->metadata;
	size_t n;

	if (d->metadata_len == 0)
		return 0;
	for (size_t i = 0; i < d->metadata_len; i++)
		if (strchr("\\(@+", p[i]) != NULL)
			return refuse(d, at, "write the metadata without a "
			    "backslash, brackets ( ), @ and +", e);
	if (memmem(p, d->metadata_len, "search", 6) == NULL)
		return 0;
	if (at->folder == NULL)
		return refuse(d, at, "modules are only searched in the folders "
		    "of -L: import without a search path and without / . or ~ "
		    "at the start of the name", e);
	if (find_search(d, &n) == NULL)
		return refuse(d, at, "a module may only search below its own "
		    "folder: write {search: \"./FOLDER\"}", e);
	return 0;
}

static int
is_in_a_folder(const struct imports *m, const char *path, struct err *e)
{
	int found = 0;

	for (size_t i = 0; i < m->folders->n && found == 0; i++) {
		char *folder = realpath(m->folders->v[i], NULL);
		size_t n;

		if (folder == NULL)
			return err_errno(e, ERR_INPUT, m->folders->v[i]);
		n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
		found = strncmp(path, folder, n) == 0 && path[n] == '/';
		free(folder);
	}
	return found;
}

static int check_module(struct imports *m, const char *path, struct err *e);

/* Checks a file that libjq could read for the import d. If there is a file at
 * `path`, it must be in one of the folders of -L, and the imports in this file
 * are checked too. */
static int
check_candidate(struct imports *m, const struct directive *d,
    const struct place *at, const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	int rc;

	if (real == NULL)
		return errno == ENOMEM ? err_nomem(e) : 0;
	rc = is_in_a_folder(m, real, e);
	if (rc == 0)
		rc = refuse(d, at, "the file is a symbolic link to a place "
		    "outside the folders of -L", e);
	else if (rc == 1)
		rc = d->data ? 0 : check_module(m, real, e);
	free(real);
	return rc;
}

/* Checks the files that libjq may read if it searches in FOLDER/BELOW: NAME.jq,
 * NAME/jq/main.jq and NAME/LAST.jq, where LAST is the last part of the name. */
static int
check_candidates(struct imports *m, const struct directive *d,
    const struct place *at, const char *folder, const char *below, size_t n,
    struct err *e)
{
	const char *suffix = d->data ? "json" : "jq";
	const char *last = memrchr(d->path, '/', d->path_len);
	int len = (int)d->path_len;
	struct buf b;
	int rc = 0;

	last = last == NULL ? d->path : last + 1;
	buf_init(&b, PATH_TEXT_MAX);
	for (int form = 0; form < 3 && rc == 0; form++) {
		buf_clear(&b);
		buf_printf(&b, "%s/%.*s/%.*s", folder, (int)n, below, len,
		    d->path);
		if (form == 1)
			buf_str(&b, "/jq/main");
		else if (form == 2)
			buf_printf(&b, "/%.*s",
			    (int)(d->path + d->path_len - last), last);
		buf_printf(&b, ".%s", suffix);
		(void)buf_text(&b);
		rc = buf_check(&b, e);
		if (rc == 0)
			rc = check_candidate(m, d, at, b.data, e);
	}
	buf_release(&b);
	return rc;
}

static int
check_import(struct imports *m, const struct directive *d,
    const struct place *at, struct err *e)
{
	const char *below;
	size_t n = 0;

	if (d->module || d->path == NULL ||
	    (at->folder == NULL && directive_imports_etl(d)))
		return 0;
	if (check_module_name(m, d, at, e) == -1 ||
	    check_metadata(d, at, e) == -1)
		return -1;
	for (size_t i = 0; i < m->folders->n; i++)
		if (check_candidates(m, d, at, m->folders->v[i], "", 0,
		    e) == -1)
			return -1;
	if (at->folder == NULL)
		return 0;
	if ((below = find_search(d, &n)) != NULL &&
	    check_candidates(m, d, at, at->folder, below, n, e) == -1)
		return -1;
	return check_candidates(m, d, at, at->folder, "", 0, e);
}

/* The versions of jq disagree whether a carriage return ends a comment, and
 * whether a line feed after a backslash does. Text after one of these could be
 * a comment for this check and an import for libjq. So such a filter is
 * refused. */
static bool
has_unclear_comment(const char *p)
{
	for (; *p != '\0'; p++) {
		if (*p == '\r' && p[1] != '\n')
			return true;
		if (*p == '\\' && (p[1] == '\n' || p[1] == '\r'))
			return true;
	}
	return false;
}

static int
check_text(struct imports *m, const char *text, const struct place *at,
    struct err *e)
{
	struct directive d;

	if (m->folders->n > 0 && has_unclear_comment(text))
		return err_set(e, ERR_CONFIG, false, "%s: a line ends with a "
		    "backslash or a carriage return alone: versions of jq read "
		    "it differently, so remove this character", at->what);
	for (; directive_parse(directive_skip_space(text), &d);
	    text = d.end)
		if (check_import(m, &d, at, e) == -1)
			return -1;
	return 0;
}

static int
check_module_text(struct imports *m, const char *path, struct buf *text,
    struct err *e)
{
	char *folder;
	int rc;

	if (memchr(text->data, '\0', text->len) != NULL)
		return err_set(e, ERR_CONFIG, false, "%s: not a module: the "
		    "file contains a NUL byte", path);
	(void)buf_text(text);
	if (buf_check(text, e) == -1)
		return -1;
	if ((folder = strdup(path)) == NULL)
		return err_nomem(e);
	*strrchr(folder, '/') = '\0';
	rc = check_text(m, text->data, &(struct place){ folder, path }, e);
	free(folder);
	return rc;
}

/* Checks the module with this path. Does nothing if it was checked before. */
static int
check_module(struct imports *m, const char *path, struct err *e)
{
	struct buf text;
	char **seen;
	int rc;

	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->seen[i], path) == 0)
			return 0;
	seen = reallocarray(m->seen, m->n + 1, sizeof(*seen));
	if (seen == NULL)
		return err_nomem(e);
	m->seen = seen;
	if ((seen[m->n] = strdup(path)) == NULL)
		return err_nomem(e);
	m->n++;
	buf_init(&text, MODULE_FILE_MAX);
	rc = file_read(&text, path, e);
	if (rc == 0 && text.len > 0)
		rc = check_module_text(m, path, &text, e);
	buf_release(&text);
	return rc;
}

int
filter_imports_check(const struct engine_conf *c, struct err *e)
{
	struct imports m = { .folders = &c->dirs };
	int rc = check_text(&m, c->text, &(struct place){ NULL, "filter" }, e);

	for (size_t i = 0; i < m.n; i++)
		free(m.seen[i]);
	free(m.seen);
	return rc;
}

enum { NESTING = 256 };

struct lexer {
	const char *p;
	char open[NESTING];     /* brackets, and '"' for a string */
	size_t depth;
	char before;            /* last character of the token before, or 0 */
	bool after_def;         /* the token before is the word def */
};

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Returns true if the text continues with "::" and a name, as in
 * module::name. */
static bool
is_separator(const struct lexer *l)
{
	return l->p[0] == ':' && l->p[1] == ':' && is_word_char(l->p[2]);
}

static char
innermost_bracket(const struct lexer *l)
{
	if (l->depth == 0)
		return '\0';
	return l->open[l->depth - 1];
}

/* Stores an opening bracket. Returns false if the text is nested too deeply. */
static bool
push_bracket(struct lexer *l, char c)
{
	if (l->depth == NESTING)
		return false;
	l->open[l->depth++] = c;
	return true;
}

static void
pop_bracket(struct lexer *l)
{
	if (l->depth > 0)
		l->depth--;
}

/* Skips the text of a string literal of jq, up to its end or to the next \(,
 * which starts an expression inside the string. Returns false if the literal
 * does not end or is nested too deeply. */
static bool
skip_literal(struct lexer *l)
{
	while (*l->p != '\0') {
		char c = *l->p++;

		if (c == '"') {
			pop_bracket(l);
			return true;
		}
		if (c != '\\' || *l->p == '\0')
			continue;
		if (*l->p++ == '(')
			return push_bracket(l, '(');
	}
	return false;
}

/* Returns true if the name that was just read is a key in an object, such as
 * env in {env: 1} and in {env}. Such a name is not a call of the function
 * env. */
static bool
is_object_key(const struct lexer *l)
{
	const char *next = directive_skip_space(l->p);

	return innermost_bracket(l) == '{' &&
	       (l->before == '{' || l->before == ',') &&
	       strchr(":,}", *next) != NULL;
}

/* Skips the name that begins at l->p. Returns true if by this name the filter
 * reads the environment: the name is the variable $ENV or a call of the
 * function env. */
static bool
skip_env_name(struct lexer *l)
{
	const char *start = l->p;
	bool defined = l->after_def;
	size_t n;

	while (is_word_char(*l->p) || is_separator(l))
		l->p += is_word_char(*l->p) ? 1 : 2;
	n = (size_t)(l->p - start);
	l->after_def = n == 3 && memcmp(start, "def", 3) == 0;
	if (n != 3 || l->before == '.' || defined)
		return false;
	if (l->before == '$')
		return memcmp(start, "ENV", 3) == 0;
	return memcmp(start, "env", 3) == 0 && !is_object_key(l);
}

/* Skips a character that is not part of a name or a string. Follows the
 * brackets. Returns false if they are nested too deeply. */
static bool
skip_other(struct lexer *l)
{
	char c = *l->p++;

	if (strchr("([{\"", c) != NULL && !push_bracket(l, c))
		return false;
	if (strchr(")]}", c) != NULL)
		pop_bracket(l);
	l->before = c;
	l->after_def = false;
	return true;
}

bool
filter_reads_env(const char *text)
{
	struct lexer l = { .p = text };

	while (*l.p != '\0') {
		if (innermost_bracket(&l) == '"') {
			if (!skip_literal(&l))
				return false;
			l.before = '"';
			continue;
		}
		l.p = directive_skip_space(l.p);
		if (*l.p == '\0')
			return false;
		if (is_word_char(*l.p)) {
			if (skip_env_name(&l))
				return true;
			l.before = 'a';
		} else if (!skip_other(&l)) {
			return false;
		}
	}
	return false;
}
