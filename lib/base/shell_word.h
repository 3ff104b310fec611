/* Quotes a word for sh, so that a user can paste it into a shell.
 * Gives: the word on one line; a control character or a byte that is not UTF-8
 *        is written as text_show() writes it. */
#ifndef BASE_SHELL_WORD_H
#define BASE_SHELL_WORD_H

#include "base/buf.h"

void put_shell_word(struct buf *b, const char *word);

#endif
