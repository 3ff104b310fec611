#include "csv/csv_dialect.h"

#include <string.h>

/* One ASCII character, or \t. */
static int
parse_character(char *c, const char *option, const char *text, struct err *e)
{
	if (strcmp(text, "\\t") == 0)
		text = "\t";
	*c = text[0];
	if (strlen(text) == 1 && *c > 0 && *c != '\n' && *c != '\r')
		return 0;
	return err_set(e, ERR_USAGE, false, "%s '%s': must be one ASCII "
	    "character, such as ; or | (a tab is \\t)", option, text);
}

int
csv_dialect_parse(struct csv_dialect *d, const struct extract_opts *o,
    bool is_tsv, struct err *e)
{
	*d = (struct csv_dialect){ .delimiter = is_tsv ? '\t' : ',',
	    .quote = '"', .null = o->null, .comment = o->comment,
	    .skip = o->skip };
	if (o->delimiter != NULL && parse_character(
		&d->delimiter, "--delimiter", o->delimiter, e) == -1)
		return -1;
	if (o->quote != NULL && *o->quote == '\0')
		d->quote = '\0';
	else if (o->quote != NULL &&
	    parse_character(&d->quote, "--quote", o->quote, e) == -1)
		return -1;
	if (d->quote == d->delimiter)
		return err_set(e, ERR_USAGE, false, "--delimiter and --quote "
		    "must be different characters");
	if (o->comment != NULL && *o->comment == '\0')
		return err_set(e, ERR_USAGE, false, "--comment: give the text "
		    "with which a comment starts, such as '#'");
	d->null_len = d->null != NULL ? strlen(d->null) : 0;
	d->comment_len = d->comment != NULL ? strlen(d->comment) : 0;
	return 0;
}
