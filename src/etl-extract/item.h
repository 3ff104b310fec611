/* One element that a source has read: a line of a file, or an element of the
 * array of records in a page. It may turn out not to be a record.
 * Borrows: the line and the texts, which are valid until the next call of the
 *          source's next(). */
#ifndef EXTRACT_ITEM_H
#define EXTRACT_ITEM_H

#include "stream/lines.h"

struct item {
	struct line line;
	const char *kind, *uri;         /* origin: "http", "file" or "stdin" */
	uint64_t page, index;           /* both from 1; 0: not from a page */
};

#endif
