/* Forbids core dumps, because the memory of a program holds secrets: the
 * password of the database URL, the secret of --secret, the environment. Other
 * processes of the same user cannot read the memory either. Call one of these
 * functions first in main.
 * Fails: never. */
#ifndef BASE_CORE_DUMP_H
#define BASE_CORE_DUMP_H

/* For a program that executes commands of the user: a command may dump core
 * and has the limit of core files that the user has set. */
void core_dump_forbid(void);
/* Also sets the limit of core files to 0, which commands inherit: the command
 * of --secret cmd:COMMAND must not dump core, because it prints a secret. */
void core_dump_forbid_all(void);

#endif
