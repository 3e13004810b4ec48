#include "prepare/htaccess_match.h"

#include <apr_strings.h>
#include <string.h>

#define NAMES_IN_ONE 10

/* ---- words in regular expressions ---- */

static const char *escape(const char *word, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 2 * strlen(word) + 1), *to = escaped;
    for (; *word; word++) {
        if (strchr(".+*?()[]{}|^$\\", *word)) {
            *to++ = '\\';
        }
        *to++ = *word;
    }
    *to = '\0';
    return escaped;
}

static const char *join(const apr_array_header_t *words, int from, int to, apr_pool_t *pool)
{
    const char *joined = "";
    for (int i = from; i < to && i < words->nelts; i++) {
        joined = apr_pstrcat(pool, joined, i > from ? "|" : "",
                             escape(APR_ARRAY_IDX(words, i, const char *), pool), NULL);
    }
    return joined;
}

/* The hashed names that Apache may answer; $1 is the hash. */
static const char *fast_names(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    const char *inner =
        plan->inner->nelts > 0
            ? apr_pstrcat(pool, "(?:\\.(?:", join(plan->inner, 0, plan->inner->nelts, pool), "))*",
                          NULL)
            : "";
    return apr_pstrcat(pool, "^(?:[\\w-][\\w.-]*/)*[\\w-]+", inner, "\\.([0-9a-f]{12})\\.(?:",
                       join(plan->extensions, 0, plan->extensions->nelts, pool), ")$", NULL);
}

/* A glob below the root, as fnmatch reads it with FNM_PATHNAME. */
static const char *glob_pattern(const char *glob, apr_pool_t *pool)
{
    const char *pattern = "";
    for (; *glob; glob++) {
        const char one[2] = {*glob, '\0'};
        pattern = apr_pstrcat(pool, pattern,
                              *glob == '*'   ? "[^/]*"
                              : *glob == '?' ? "[^/]"
                                             : escape(one, pool),
                              NULL);
    }
    return pattern;
}

const char *htaccess_match_manifests(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, plan->mount->manifests), *glob;
    const char *pattern = "";
    while ((glob = strsep(&rest, ":"))) {
        if (*glob) {
            pattern = apr_pstrcat(pool, pattern, "|^", glob_pattern(glob, pool), "$", NULL);
        }
    }
    return pattern;
}

/* ---- which requests Apache answers ---- */

static void add_exceptions(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    const char *why = "These look like hashed files, and are not, or are to be sent otherwise.";
    for (int i = 0; i < plan->exceptions->nelts; i += NAMES_IN_ONE) {
        htaccess_lines_add(text, i == 0 ? why : NULL, "RewriteCond $0 !^(?:%s)$",
                           join(plan->exceptions, i, i + NAMES_IN_ONE, text->pool));
    }
}

/* Up to the name: %1 is the path below the root, %2 the root, %3 br, %4 gz. */
static void add_gate(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    if (plan->level == 0) {
        htaccess_lines_add(
            text, "Without it methods and codings that are refused (q=0) are not told apart.",
            "RewriteCond $0|%%{REQUEST_FILENAME}|%%{REQUEST_METHOD}|%%{HTTP:Accept-Encoding} "
            "\"^([^|]+)\\|(.+/)\\1\\|(?:GET|HEAD)\\|"
            "(?=(?:.*\\b(br)\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$)))?)"
            "(?:.*\\b(gz)ip\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$)))?\" [NV]");
        return;
    }
    htaccess_lines_add(
        text, "Without it Apache decides what it cannot: q-values, ranges, other conditions.",
        "RewriteCond $0|%%{REQUEST_FILENAME}|%%{REQUEST_METHOD}|%%{HTTP:Range}%%{HTTP:If-Match}"
        "%%{HTTP:If-Unmodified-Since}%%{HTTP:If-Range}|"
        "%%{HTTP:Accept-Encoding} \"^([^|]+)\\|(.+/)\\1\\|(?:GET|HEAD)\\|\\|"
        "(?=[a-z, ]*$)(?=(?:.*\\b(br)\\b)?)(?:.*\\b(gz)ip\\b)?\" "
        "[NV]");
}

/* How many rules follow those for who takes a variant, up to the end of the fast path. */
static int rules_behind_variants(const struct htaccess_plan *plan)
{
    return (plan->br || plan->gzip ? 1 : 0) + 2 + (plan->pooled ? 1 : 2);
}

const char *htaccess_match_otherwise(const struct htaccess_plan *plan, int skip, apr_pool_t *pool)
{
    return plan->level == 0 ? apr_psprintf(pool, "RewriteRule ^ - [S=%d]", skip)
                            : apr_psprintf(pool, "RewriteRule ^ %s [E=HANDBACK:1,END]", plan->cgi);
}

/* Each passes over the rules for those who take no variant, of which there are two. */
static void add_variants(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    const char *why = "Without them nobody gets a compressed file.";
    if (plan->br) {
        htaccess_lines_add(text, why, "RewriteCond %%{ENV:HB_FILE}.%%{ENV:HB_BR} -f");
        htaccess_lines_add(
            text, NULL,
            "RewriteRule ^ - [E=HB_TAG:%%{ENV:HB_TAG}.br,E=HB_SUFFIX:.br,E=HB_VARY:1,S=%d]",
            plan->gzip ? 3 : 2);
    }
    if (plan->gzip) {
        htaccess_lines_add(text, plan->br ? NULL : why,
                           "RewriteCond %%{ENV:HB_FILE}.%%{ENV:HB_GZ} -f");
        htaccess_lines_add(
            text, NULL,
            "RewriteRule ^ - [E=HB_TAG:%%{ENV:HB_TAG}.gz,E=HB_SUFFIX:.gz,E=HB_VARY:1,S=2]");
    }
}

/* For those who take no variant. */
static void add_identity(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_add(text, "Without them a file that is not there is promised.",
                       "RewriteCond %%{ENV:HB_FILE} !-f");
    htaccess_lines_add(text, NULL, "%s",
                       htaccess_match_otherwise(plan, rules_behind_variants(plan), text->pool));
    if (plan->br || plan->gzip) {
        const char *why = "Without them a cache gives the plain file to everybody.";
        if (plan->br) {
            htaccess_lines_add(text, why, "RewriteCond %%{ENV:HB_FILE}.br -f%s",
                               plan->gzip ? " [OR]" : "");
        }
        if (plan->gzip) {
            htaccess_lines_add(text, plan->br ? NULL : why, "RewriteCond %%{ENV:HB_FILE}.gz -f");
        }
        htaccess_lines_add(text, NULL, "RewriteRule ^ - [E=HB_VARY:1]");
    }
}

static void add_conditions(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    if (plan->level == 0) {
        htaccess_lines_add(text, "Apache knows no tag of ours: it is told \"*\" where one matches.",
                           "RewriteCond %%{HTTP:If-None-Match}|%%{ENV:HB_TAG} "
                           "\\x22([^\\x22|]+)\\x22[^|]*\\|\\1$ [NV]");
        htaccess_lines_add(text, NULL, "RewriteRule ^ - [E=HB_NONE_MATCH:1]");
        htaccess_lines_add(text, "Without them If-Match with our tag is 412.",
                           "RewriteCond %%{HTTP:If-Match}|%%{ENV:HB_TAG} "
                           "(?<!W/)\\x22([^\\x22|]+)\\x22[^|]*\\|\\1$ [NV]");
        htaccess_lines_add(text, NULL, "RewriteRule ^ - [E=HB_MATCH:1]");
        return;
    }
    htaccess_lines_add(text, "Only our own tag, alone, needs no decision.",
                       "RewriteCond %%{HTTP:If-None-Match}%%{HTTP:If-Modified-Since} !=\"\" [NV]");
    htaccess_lines_add(text, NULL,
                       "RewriteCond %%{HTTP:If-None-Match}|%%{ENV:HB_TAG} "
                       "!^(?:W/)?\\x22([^|]+)\\x22\\|\\1$ [NV]");
    htaccess_lines_add(text, NULL, "%s", htaccess_match_otherwise(plan, 0, text->pool));
}

static void add_target(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    if (plan->pooled) {
        htaccess_lines_add(
            text, "The kept copy: without it a running collectstatic tears what is sent.",
            "RewriteRule .* %s/pool/$0%%{ENV:HB_SUFFIX} [QSD,E=HANDBACK:1,END]", plan->state);
        return;
    }
    htaccess_lines_add(text, "Without them nobody gets the variant that was found.",
                       "RewriteCond %%{ENV:HB_SUFFIX} =\"\"");
    htaccess_lines_add(text, NULL, "RewriteRule ^ - [END]");
    htaccess_lines_add(text, NULL, "RewriteRule .* $0%%{ENV:HB_SUFFIX} [QSD,E=HANDBACK:1,END]");
}

/* Hashed files, whose answers need no decision. Without mod_headers there would be no Vary, without
 * mod_mime no Content-Encoding. */
void htaccess_match_add(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    if (plan->extensions->nelts == 0) {
        return;
    }
    htaccess_lines_raw(text, "");
    htaccess_lines_open(text, "IfModule mod_headers.c");
    htaccess_lines_open(text, "IfModule mod_mime.c");
    add_exceptions(text, plan);
    add_gate(text, plan);
    htaccess_lines_add(
        text, NULL,
        "RewriteRule \"%s\" - [E=HB_TAG:$1,E=HB_FILE:%%2%s%s$0,E=HB_BR:%%3,E=HB_GZ:%%4,S=1]",
        fast_names(plan, text->pool), plan->pooled ? plan->state : "",
        plan->pooled ? "/pool/" : "");
    htaccess_lines_add(
        text, plan->level == 0 ? "The rest is sent as it is." : "The rest needs the program.", "%s",
        htaccess_match_otherwise(plan, plan->br + plan->gzip + 1 + rules_behind_variants(plan),
                                 text->pool));
    add_variants(text, plan);
    add_identity(text, plan);
    add_conditions(text, plan);
    add_target(text, plan);
    htaccess_lines_close(text, "IfModule");
    htaccess_lines_close(text, "IfModule");
}

void htaccess_match_links(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    const char *why = "Without it a link leads clients out of the root.";
    if (plan->links_closed) {
        htaccess_lines_add(text, why, "RewriteCond %%{REQUEST_FILENAME} -l");
        htaccess_lines_add(text, NULL, "RewriteRule ^ - [R=404,END]");
        return;
    }
    for (int i = 0; i < plan->leaving->nelts; i += NAMES_IN_ONE) {
        htaccess_lines_add(text, i == 0 ? why : NULL,
                           "RewriteRule \"^(?:%s)(?:/|$)\" - [R=404,END]",
                           join(plan->leaving, i, i + NAMES_IN_ONE, text->pool));
    }
}
