/* The text of a configuration as it grows: directives, each with what breaks without it, in
 * sections. */
#ifndef PREPARE_HTACCESS_LINES_H
#define PREPARE_HTACCESS_LINES_H

#include <apr_tables.h>
#include <stddef.h>

struct htaccess_lines {
    apr_array_header_t *pieces; /* of const char * */
    apr_pool_t *pool;
    int depth;
};

/* One directive and what breaks without it; without a reason it shares that of the one before. */
struct htaccess_line {
    const char *why;
    const char *directive;
};

struct htaccess_lines htaccess_lines_begin(apr_pool_t *pool);
const char *htaccess_lines_finish(const struct htaccess_lines *text);

/* A line as it is, at the present depth; an empty one has none. */
void htaccess_lines_raw(struct htaccess_lines *text, const char *line);

/* A directive; `why`, where it is not NULL, stands above it as a comment. */
__attribute__((format(printf, 3, 4))) void
htaccess_lines_add(struct htaccess_lines *text, const char *why, const char *format, ...);

/* A directive with its words, again on further lines where they are too many for one; nothing when
 * there are none. */
void htaccess_lines_list(struct htaccess_lines *text, const char *why, const char *directive,
                         const apr_array_header_t *words);

/* "Files x" opens <Files x>, which "Files" closes. */
void htaccess_lines_open(struct htaccess_lines *text, const char *section);
void htaccess_lines_close(struct htaccess_lines *text, const char *section);

void htaccess_lines_all(struct htaccess_lines *text, const struct htaccess_line *lines,
                        size_t count);

/* Lines for hosts that have the module. */
void htaccess_lines_module(struct htaccess_lines *text, const char *module,
                           const struct htaccess_line *lines, size_t count);

/* The same of an array. */
#define HTACCESS_LINES_TABLE(text, table)                                                          \
    htaccess_lines_all((text), (table), sizeof(table) / sizeof *(table))
#define HTACCESS_LINES_MODULE(text, module, table)                                                 \
    htaccess_lines_module((text), (module), (table), sizeof(table) / sizeof *(table))

#endif
