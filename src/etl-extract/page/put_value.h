/* Puts a value into a request at the place of a TO locator: a query parameter,
 * a header, or a member of the body. If the body has this member, its value is
 * replaced. Otherwise the member is added.
 * Fails: ERR_CONFIG if the body has no object for the member; ERR_PEER if the
 *        value has a control character, which no header can have. */
#ifndef EXTRACT_PUT_VALUE_H
#define EXTRACT_PUT_VALUE_H

#include "http/request.h"
#include "page/locator.h"
#include "page/page_value.h"

int request_put_value(struct request *r, const struct locator *to,
    struct page_value *v, struct err *e);
/* Like request_put_value(), for a number such as the number of a page. */
int request_put_number(struct request *r, const struct locator *to,
    uint64_t number, struct err *e);

/* Checks that the body has a place for the value of --into body:/POINTER. */
int request_check_body(const struct request *r, const struct extract_opts *o,
    struct err *e);

#endif
