/* Generates the records of the mock API: post N and its five comments.
 * posts.c and examples/posts/README.md list the posts that are odd. */
#ifndef SUPPORT_POSTS_H
#define SUPPORT_POSTS_H

#include "base/buf.h"

enum { POST_COMMENTS = 5 };

void post_put(struct buf *b, unsigned n);
void comment_put(struct buf *b, unsigned n);    /* 5 a post, from n = 1 */

#endif
