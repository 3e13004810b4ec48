#include "prepare/htaccess_mime.h"

#include "http/coding.h"

#include <apr_strings.h>
#include <string.h>

static const struct htaccess_line variants_of_ours[] = {
    {"Without them what is compressed is announced as a file of its own.", "RemoveType .br .gz"},
    {NULL, "AddEncoding br .br"},
    {NULL, "AddEncoding gzip .gz"},
};

/* Every word that mod_mime could read something into; first the suffixes of the codings. */
static bool is_suffix(const char *word)
{
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        if (strcmp(word, coding_siblings[i].suffix) == 0) {
            return true;
        }
    }
    return false;
}

static apr_array_header_t *words_of(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 32, sizeof(const char *));
    static const char *const suffixes[] = {".br", ".gz", ".zst", ".zstd"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        APR_ARRAY_PUSH(words, const char *) = suffixes[i];
    }
    for (int i = 0; i < plan->inner->nelts; i++) {
        APR_ARRAY_PUSH(words, const char *) =
            apr_pstrcat(pool, ".", APR_ARRAY_IDX(plan->inner, i, const char *), NULL);
    }
    for (int i = 0; i < plan->types->nelts; i++) {
        const char *key = APR_ARRAY_IDX(plan->types, i, struct settings_type).key;
        if (!is_suffix(key)) {
            APR_ARRAY_PUSH(words, const char *) = key;
        }
    }
    return words;
}

void htaccess_mime_removals(struct htaccess_lines *text, const struct htaccess_plan *plan,
                            bool variants)
{
    apr_array_header_t *words = words_of(plan, text->pool);
    htaccess_lines_list(text,
                        "Without them a host reads languages, charsets and filters into names:"
                        " x.br is Breton there.",
                        "RemoveLanguage", words);
    htaccess_lines_list(text, NULL, "RemoveCharset", words);
    htaccess_lines_list(text, NULL, "RemoveOutputFilter", words);
    if (variants) {
        words->elts += 2 * words->elt_size;
        words->nelts -= 2;
        HTACCESS_LINES_TABLE(text, variants_of_ours);
    }
    htaccess_lines_list(text, NULL, "RemoveEncoding", words);
}

void htaccess_mime_types(struct htaccess_lines *text, const struct htaccess_plan *plan,
                         bool variants)
{
    const char *why = "Without them the host's mime.types decides, and charsets are missing.";
    bool *done = apr_pcalloc(text->pool, (size_t)plan->types->nelts + 1);
    for (int i = 0; i < plan->types->nelts; i++) {
        const char *type = APR_ARRAY_IDX(plan->types, i, struct settings_type).type, *keys = "";
        for (int j = i; j < plan->types->nelts; j++) {
            const struct settings_type *other =
                &APR_ARRAY_IDX(plan->types, j, struct settings_type);
            if (!done[j] && strcmp(other->type, type) == 0 &&
                !(variants && is_suffix(other->key))) {
                keys = apr_pstrcat(text->pool, keys, " ", other->key, NULL);
                done[j] = true;
            }
        }
        if (*keys) {
            htaccess_lines_add(text, why, "AddType \"%s\"%s", type, keys);
            why = NULL;
        }
    }
}

const struct htaccess_line htaccess_mime_never_twice[2] = {
    {"Without them mod_deflate and mod_brotli compress a second time.", "SetEnv no-gzip 1"},
    {NULL, "SetEnv no-brotli 1"},
};

/* Names whose extension does not tell their type, or that have none. */
static void add_named(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    for (int i = 0; i < plan->named->nelts; i++) {
        const struct settings_type *one = &APR_ARRAY_IDX(plan->named, i, struct settings_type);
        htaccess_lines_open(text, apr_psprintf(text->pool, "Files \"%s\"", one->key));
        htaccess_lines_add(text, i == 0 ? "Their names decide." : NULL, "ForceType \"%s\"",
                           one->type);
        htaccess_lines_close(text, "Files");
    }
    htaccess_lines_open(text, "FilesMatch \"^(?:(?!.*\\.[\\w-]+$)|.*\\.[0-9a-f]{12}$)\"");
    htaccess_lines_add(text, "Without it names without an extension have no type.",
                       "ForceType application/octet-stream");
    htaccess_lines_close(text, "FilesMatch");
}

/* ---- level 0 ---- */

#define VARIANT "\\.[0-9a-f]{12}\\.[^.]+\\.(?:br|gz)$"

/* In two sections that never meet: see open_files in htaccess_send.c. */
void htaccess_mime_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_open(text, "IfModule mod_mime.c");
    htaccess_lines_open(text, "FilesMatch \"^(?!.*" VARIANT ")\"");
    htaccess_mime_removals(text, plan, false);
    htaccess_mime_types(text, plan, false);
    htaccess_lines_close(text, "FilesMatch");
    if (plan->br || plan->gzip) {
        htaccess_lines_open(text, "FilesMatch \"" VARIANT "\"");
        htaccess_mime_removals(text, plan, true);
        htaccess_mime_types(text, plan, true);
        HTACCESS_LINES_TABLE(text, htaccess_mime_never_twice);
        htaccess_lines_close(text, "FilesMatch");
    }
    add_named(text, plan);
    htaccess_lines_close(text, "IfModule");
}
