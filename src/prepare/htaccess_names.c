#include "prepare/htaccess_names.h"

#include "base/slice.h"
#include "catalog/hashed_name.h"

#include <apr_strings.h>
#include <string.h>

bool htaccess_names_is_taken(const char *extension)
{
    static const char *const taken[] = {"br",   "gz",   "zst",   "zstd",  "z",       "tgz",  "bz2",
                                        "php",  "php3", "php4",  "php5",  "php7",    "php8", "phps",
                                        "pht",  "phar", "phtml", "shtml", "cgi",     "fcgi", "pl",
                                        "py",   "pyc",  "rb",    "asp",   "aspx",    "jsp",  "lua",
                                        "wsgi", "var",  "asis",  "sh",    "htaccess"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (slice_equal_nocase(slice_of(extension), taken[i])) {
            return true;
        }
    }
    return false;
}

static bool is_word(const char *text)
{
    return *text && text[strspn(text, HTACCESS_NAMES_LETTERS)] == '\0';
}

static bool take_last_segment(const char *name, struct htaccess_names_parts *parts,
                              apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(const char *));
    char *rest = apr_pstrdup(pool, name), *word;
    while ((word = strsep(&rest, "."))) {
        if (!is_word(word)) {
            return false;
        }
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    if (words->nelts < 3) {
        return false;
    }
    parts->extension = APR_ARRAY_IDX(words, words->nelts - 1, const char *);
    parts->inner = apr_array_make(pool, 4, sizeof(const char *));
    for (int i = 1; i < words->nelts - 2; i++) {
        APR_ARRAY_PUSH(parts->inner, const char *) = APR_ARRAY_IDX(words, i, const char *);
    }
    return true;
}

bool htaccess_names_take(const char *path, struct htaccess_names_parts *parts, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    struct slice digits = hashed_name_digits(slice_of(path));
    if (!digits.at || path[strspn(path, HTACCESS_NAMES_LETTERS "./")] != '\0' || path[0] == '.' ||
        strstr(path, "/.") || strstr(path, "//") || digits.at[digits.len] != '.') {
        return false;
    }
    return take_last_segment(slash ? slash + 1 : path, parts, pool);
}

const char *htaccess_names_extension(const char *name, apr_pool_t *pool)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name,
               *dot = strrchr(base, '.');
    if (!dot || dot == base || !is_word(dot + 1) || hashed_name_digits(slice_of(dot)).at) {
        return NULL;
    }
    char *extension = apr_pstrdup(pool, dot + 1);
    for (char *c = extension; *c; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    return extension;
}

bool htaccess_names_is_quotable(const char *text)
{
    return !strpbrk(text, "\"\\*?[]%$<>{}") && !slice_has_control(slice_of(text));
}
