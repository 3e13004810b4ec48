/* `handback explain URL`: the very code that serves, told step by step. */
#ifndef CLI_COMMAND_EXPLAIN_H
#define CLI_COMMAND_EXPLAIN_H

/* Runs the command with its own arguments (argv[0] is "explain"). Returns the exit status: 0, or 2
 * for wrong usage and bad settings. */
int command_explain(int argc, const char *const *argv);

#endif
