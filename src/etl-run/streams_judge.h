/* Finds the streams of a run that failed. */
#ifndef RUN_STREAMS_JUDGE_H
#define RUN_STREAMS_JUDGE_H

#include "stream_reports.h"

/* Fills r->found, r->code and r->append_ended from the reports. */
int streams_judge(struct reports *r, struct err *e);

#endif
