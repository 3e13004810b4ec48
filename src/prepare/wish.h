/* Which .htaccess files a user asks for. */
#ifndef PREPARE_WISH_H
#define PREPARE_WISH_H

#include <stdbool.h>

struct htaccess_wish {
    bool given;
    int level;       /* 0 to 3 */
    const char *cgi; /* URL path of the program */
};

#endif
