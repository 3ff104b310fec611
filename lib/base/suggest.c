#include "suggest.h"

#include "buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Returns the edit distance of the words a and b: the least number of
 * characters to insert, delete, replace or swap with a neighbour to turn a into
 * b. The table of distances is computed row by row; three rows are kept because
 * a swap looks two rows back. */
static size_t
edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][SUGGEST_LONGEST + 1];

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1,
			    above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j],
				    rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

void
suggest_try(struct suggestion *s, const char *word)
{
	size_t typed = strlen(s->typed), other = strlen(word), d;
	size_t longer = typed > other ? typed : other;

	if (typed == 0 || other == 0 || longer > SUGGEST_LONGEST)
		return;
	d = edit_distance(s->typed, typed, word, other);
	if (d >= longer || 3 * d > longer + 1)
		return;
	if (s->word[0] == '\0' || d < s->distance) {
		memcpy(s->word, word, other + 1);
		s->distance = d;
	}
}

void
suggest_put(struct err *e, const struct suggestion *s, const char *prefix)
{
	size_t used = strlen(e->msg);

	if (s->word[0] != '\0')
		(void)snprintf(e->msg + used, sizeof(e->msg) - used,
		    "; did you mean %s%s?", prefix, s->word);
}

int
suggest_choice(const char *option, const char *value, const char *const *words,
    struct err *e)
{
	struct suggestion near = { .typed = value };
	struct buf list;
	int n = 0;

	for (; words[n] != NULL; n++) {
		if (strcmp(value, words[n]) == 0)
			return n;
		suggest_try(&near, words[n]);
	}
	buf_init(&list, SIZE_MAX / 4);
	for (int i = 0; i < n; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : i < n - 1 ? ", " :
		    " or ", words[i]);
	if (buf_check(&list, e) == 0) {
		(void)err_set(e, ERR_USAGE, false, "%s %s: it must be %s",
		    option, value, buf_text(&list));
		suggest_put(e, &near, "");
	}
	buf_release(&list);
	return -1;
}
