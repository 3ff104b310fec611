/* Sets the error for a page whose answer is wrong.
 * Borrows: the arguments.
 * Fails: always, with -1. ERR_PEER, transient if the text ends too early;
 *        ERR_CONFIG if an option can help. */
#ifndef EXTRACT_PAGE_FAULT_H
#define EXTRACT_PAGE_FAULT_H

#include "document/splitter.h"
#include "page/body.h"

/* Sets the error for the fault that the splitter has found. */
int page_set_fault(const struct body *b, const struct splitter *s,
    struct err *e);

#endif
