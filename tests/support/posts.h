/* Records made on the fly: post N and its five comments.
 * The odd ones are listed in posts.c and in examples/posts/README.md. */
#ifndef SUPPORT_POSTS_H
#define SUPPORT_POSTS_H

#include "base/buf.h"

enum { POST_COMMENTS = 5 };

void post_put(struct buf *b, unsigned n);
void comment_put(struct buf *b, unsigned n);    /* 5 for each post, from 1 */

#endif
