#include "sink.h"

static const struct sink *const sinks[] = { &sink_sqlite, &sink_pg };

const struct sink *
sink_for(enum db_kind kind)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		if (sinks[i]->kind == kind)
			return sinks[i];
	return NULL;
}
