/* A pause after a failed attempt, counted in turns. A caller that knows a fast
 * way and a safe way uses the safe way for some turns after the fast way has
 * failed. Each pause has twice as many turns as the one before.
 * Owns:  nothing. The caller sets least and most, and sets the rest to 0. */
#ifndef BASE_DOUBLING_PAUSE_H
#define BASE_DOUBLING_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

struct doubling_pause {
	uint32_t least, most;   /* turns of the first and of the longest
	                         * pause */
	uint32_t turns;         /* of the last pause, or 0 */
	uint32_t left;          /* turns until the pause is over */
};

/* Called once a turn. Returns false during a pause. */
bool pause_tick(struct doubling_pause *p);
void pause_begin(struct doubling_pause *p);
/* Call this after a success: the next pause then has `least` turns again. */
void pause_reset(struct doubling_pause *p);

#endif
