#include "fastcgi/management.h"

#include "fastcgi/pair.h"
#include "fastcgi/record.h"
#include "fastcgi/status.h"

#include <fastcgi.h>
#include <stdio.h>
#include <string.h>

/* What may be asked for; a bit each, in this order. */
static const char *const names[] = {FCGI_MAX_CONNS, FCGI_MAX_REQS, FCGI_MPXS_CONNS, STATUS_NAME};
enum {
    NAMES = sizeof names / sizeof *names,
    STATUS = NAMES - 1,
    STATUS_SIZE = RECORD_CONTENT_MAX - 1024 /* the other pairs fit beside it */
};

static size_t answer_unknown_type(unsigned char type, unsigned char *buffer)
{
    memset(buffer, 0, RECORD_HEADER + sizeof(FCGI_UnknownTypeBody));
    record_header(buffer, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID, sizeof(FCGI_UnknownTypeBody));
    buffer[RECORD_HEADER] = type;
    return RECORD_HEADER + sizeof(FCGI_UnknownTypeBody);
}

/* Which of the names are asked for; -1 when a length is not sound. */
static int names_asked(const unsigned char *record)
{
    struct slice rest = {(const char *)record + RECORD_HEADER,
                         (size_t)(record[4] << 8 | record[5])};
    struct slice name, value;
    int asked = 0;
    while (rest.len > 0) {
        if (!pair_cut(&rest, &name, &value)) {
            return -1;
        }
        for (int i = 0; i < NAMES; i++) {
            asked |= slice_equal(name, slice_of(names[i])) ? 1 << i : 0;
        }
    }
    return asked;
}

/* The value of a name; a text of at most `size` bytes. */
static struct slice value_of(int name, char *text, size_t size, struct scoreboard *board,
                             const struct site_source *source)
{
    if (name == STATUS) {
        return (struct slice){text, status_write(text, size, board, source)};
    }
    int most = strcmp(names[name], FCGI_MPXS_CONNS) == 0 ? 0 : scoreboard_connections_max(board);
    return (struct slice){text, (size_t)snprintf(text, size, "%d", most)};
}

size_t management_answer(const unsigned char *record, unsigned char *buffer,
                         struct scoreboard *board, const struct site_source *source)
{
    static _Thread_local char text[STATUS_SIZE];
    if (record[1] != FCGI_GET_VALUES) {
        return answer_unknown_type(record[1], buffer);
    }
    int asked = names_asked(record);
    if (asked < 0) {
        return 0;
    }
    size_t len = 0;
    for (int i = 0; i < NAMES; i++) {
        if (asked & 1 << i) {
            struct slice value = value_of(i, text, sizeof text, board, source);
            len += pair_write(buffer + RECORD_HEADER + len, RECORD_CONTENT_MAX - len,
                              slice_of(names[i]), value);
        }
    }
    record_header(buffer, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID, len);
    return RECORD_HEADER + len;
}
