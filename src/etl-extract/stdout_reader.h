/* Whether the reader of standard output has left: who waits for a service
 * writes nothing meanwhile, and would not hear of it. */
#ifndef EXTRACT_STDOUT_READER_H
#define EXTRACT_STDOUT_READER_H

#include "base/errval.h"

#include <stdint.h>

bool reader_gone(void);
/* Sleeps; ERR_GONE where the reader leaves, ERR_RETRY at a stop signal. */
int reader_sleep(int64_t ms, struct err *e);
/* The same two as a failure, after a transfer was given up for them. */
int reader_stopped(struct err *e);

#endif
