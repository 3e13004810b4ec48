#include "prepare/htaccess_lines.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#define WIDTH 96

struct htaccess_lines htaccess_lines_begin(apr_pool_t *pool)
{
    return (struct htaccess_lines){.pieces = apr_array_make(pool, 64, sizeof(const char *)),
                                   .pool = pool};
}

const char *htaccess_lines_finish(const struct htaccess_lines *text)
{
    return apr_array_pstrcat(text->pool, text->pieces, 0);
}

void htaccess_lines_raw(struct htaccess_lines *text, const char *line)
{
    APR_ARRAY_PUSH(text->pieces, const char *) =
        *line ? apr_psprintf(text->pool, "%*s%s\n", 4 * text->depth, "", line) : "\n";
}

void htaccess_lines_add(struct htaccess_lines *text, const char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (why) {
        htaccess_lines_raw(text, apr_pstrcat(text->pool, "# ", why, NULL));
    }
    htaccess_lines_raw(text, apr_pvsprintf(text->pool, format, arguments));
    va_end(arguments);
}

void htaccess_lines_all(struct htaccess_lines *text, const struct htaccess_line *lines,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        htaccess_lines_add(text, lines[i].why, "%s", lines[i].directive);
    }
}

void htaccess_lines_list(struct htaccess_lines *text, const char *why, const char *directive,
                         const apr_array_header_t *words)
{
    const char *line = directive;
    for (int i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        if (strlen(line) + strlen(word) > WIDTH) {
            htaccess_lines_add(text, why, "%s", line);
            why = NULL;
            line = directive;
        }
        line = apr_pstrcat(text->pool, line, " ", word, NULL);
    }
    if (line != directive) {
        htaccess_lines_add(text, why, "%s", line);
    }
}

void htaccess_lines_open(struct htaccess_lines *text, const char *section)
{
    htaccess_lines_add(text, NULL, "<%s>", section);
    text->depth++;
}

void htaccess_lines_close(struct htaccess_lines *text, const char *section)
{
    text->depth--;
    htaccess_lines_add(text, NULL, "</%s>", section);
}

void htaccess_lines_module(struct htaccess_lines *text, const char *module,
                           const struct htaccess_line *lines, size_t count)
{
    htaccess_lines_open(text, apr_pstrcat(text->pool, "IfModule ", module, NULL));
    htaccess_lines_all(text, lines, count);
    htaccess_lines_close(text, "IfModule");
}
