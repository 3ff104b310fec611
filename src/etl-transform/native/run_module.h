/* The state of the module etl in the native engine. */
#ifndef TRANSFORM_RUN_MODULE_H
#define TRANSFORM_RUN_MODULE_H

#include "module/now_text.h"
#include "module/words.h"
#include "module/zone.h"

struct run_module {
	struct words *words;
	struct zone_files *zone_files;  /* NULL: the filter uses none */
	struct zone *zone;              /* of the last call */
	struct buf zone_name;
	struct now_text now;
};

#endif
