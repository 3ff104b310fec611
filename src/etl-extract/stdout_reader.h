/* While etl-extract waits for a service, it writes nothing, so no EPIPE tells
 * it that the reader of standard output has closed the pipe. These functions
 * check this during a wait. */
#ifndef EXTRACT_STDOUT_READER_H
#define EXTRACT_STDOUT_READER_H

#include "base/errval.h"

#include <stdint.h>

bool is_stdout_reader_gone(void);
/* Sleeps for ms milliseconds. Fails early with ERR_GONE if the reader closes
 * the pipe, and with ERR_RETRY if a stop signal comes. */
int sleep_unless_stopped(int64_t ms, struct err *e);
/* Sets *e after a transfer or a read was aborted: to ERR_RETRY if a stop signal
 * came, else to ERR_GONE. Returns -1. */
int set_stop_or_reader_gone_error(struct err *e);

#endif
