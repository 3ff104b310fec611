/* While etl-extract waits for a service, it writes nothing, so no EPIPE tells
 * it that the reader of standard output has closed the pipe. These functions
 * check this during a wait. */
#ifndef EXTRACT_STDOUT_READER_H
#define EXTRACT_STDOUT_READER_H

#include "base/errval.h"

#include <stdint.h>

bool reader_gone(void);
/* Sleeps. Fails with ERR_GONE as soon as the reader closes the pipe, and with
 * ERR_RETRY as soon as a stop signal comes. */
int reader_sleep(int64_t ms, struct err *e);
/* For a transfer or a read that was given up: fails with ERR_RETRY if a stop
 * signal came, else with ERR_GONE. Returns -1. */
int reader_stop_error(struct err *e);

#endif
