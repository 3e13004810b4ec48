/* What `handback --help` says. */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <stdio.h>

void usage_print(FILE *out);

#endif
