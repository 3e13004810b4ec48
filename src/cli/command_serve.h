/* `handback serve`, and the responder that a web server starts on a listening socket. */
#ifndef CLI_COMMAND_SERVE_H
#define CLI_COMMAND_SERVE_H

/* Runs the command with its own arguments (argv[0] is "serve"). Returns the exit status: 0, or 2
 * when it cannot run. */
int command_serve(int argc, const char *const *argv);

/* Serves on a listening socket in this one process until it is told to stop. Bad settings are
 * logged and answered 503, not left to the web server. Returns the exit status. */
int command_serve_socket(int listener);

#endif
