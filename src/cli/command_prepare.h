/* `handback prepare`: run after collectstatic. */
#ifndef CLI_COMMAND_PREPARE_H
#define CLI_COMMAND_PREPARE_H

/* argv[0] is the word "prepare". Returns the exit status: 0, 1 when faults were found, 2 when there
 * is no new catalog. */
int command_prepare(int argc, const char *const *argv);

#endif
