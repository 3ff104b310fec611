/* One JSON text that a source gives: a record, unless it turns out to be none.
 * Borrows: the line and the texts, until the source's next call. */
#ifndef EXTRACT_ITEM_H
#define EXTRACT_ITEM_H

#include "stream/lines.h"

struct item {
	struct line line;
	const char *kind, *uri;         /* of the origin */
	uint64_t page, index;           /* from 1; 0: none */
};

#endif
