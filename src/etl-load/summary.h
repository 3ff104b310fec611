/* What the loader prints on standard error at its end. */
#ifndef LOAD_SUMMARY_H
#define LOAD_SUMMARY_H

#include "loader.h"

/* Prints the counts if standard error is a terminal or -v is given, and a
 * warning if all records were rejected. */
void print_summary(const struct loader *l);
/* If a load without --key has rejects because the table already has rows with
 * the same unique key, the user probably wanted to update these rows. Prints
 * once how to do that. */
void suggest_upsert(const struct loader *l);

#endif
