/* How a file is sent that the rules have chosen: without handlers of the host, with its fields. */
#ifndef PREPARE_HTACCESS_SEND_H
#define PREPARE_HTACCESS_SEND_H

#include "prepare/htaccess_lines.h"
#include "prepare/htaccess_plan.h"

#include <stdbool.h>

/* What Apache sends by itself. `also_direct`: files of this directory too, whose requests no rule
 * has led elsewhere. */
void htaccess_send_add(struct htaccess_lines *text, const struct htaccess_plan *plan,
                       bool also_direct);

/* What the local redirect of a program leads to; the fields of the program stay. */
void htaccess_send_restoring(struct htaccess_lines *text, const struct htaccess_plan *plan);

/* Level 0: everything that lies there. */
void htaccess_send_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan);

#endif
