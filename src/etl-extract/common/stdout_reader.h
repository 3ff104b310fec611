/* While etl-extract waits for a service it writes nothing. It then gets no
 * EPIPE if the reader of standard output closes the pipe. These functions check
 * for this during a wait. */
#ifndef EXTRACT_STDOUT_READER_H
#define EXTRACT_STDOUT_READER_H

#include "base/errval.h"

#include <stdint.h>

/* True if the process that reads standard output has closed it. */
bool is_reader_gone(void);
/* Sleeps for ms milliseconds. Fails early with ERR_GONE if the reader closes
 * the pipe, and with ERR_RETRY if a stop signal is received. */
int sleep_watching(int64_t ms, struct err *e);
/* Call this after a transfer or a read was aborted. Sets *e to ERR_RETRY if a
 * stop signal was received, else to ERR_GONE. Returns -1. */
int fail_interrupted(struct err *e);

#endif
