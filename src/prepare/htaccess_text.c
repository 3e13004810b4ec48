#include "prepare/htaccess_text.h"

#include "base/md5.h"
#include "http/coding.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUM = 12,
    WIDTH = 96,
    NAMES_IN_ONE = 10
};

/* A text that grows. */
struct text {
    apr_array_header_t *pieces; /* of const char * */
    apr_pool_t *pool;
    int depth;
};

/* One directive and what breaks without it; without a reason it shares that of the one before. */
struct line {
    const char *why;
    const char *directive;
};

static void add_raw(struct text *text, const char *line)
{
    APR_ARRAY_PUSH(text->pieces, const char *) =
        *line ? apr_psprintf(text->pool, "%*s%s\n", 4 * text->depth, "", line) : "\n";
}

__attribute__((format(printf, 3, 4))) static void add(struct text *text, const char *why,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (why) {
        add_raw(text, apr_pstrcat(text->pool, "# ", why, NULL));
    }
    add_raw(text, apr_pvsprintf(text->pool, format, arguments));
    va_end(arguments);
}

static void add_lines(struct text *text, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(text, lines[i].why, "%s", lines[i].directive);
    }
}

#define ADD_TABLE(text, table) add_lines((text), (table), sizeof(table) / sizeof *(table))

static void open_section(struct text *text, const char *name)
{
    add(text, NULL, "<%s>", name);
    text->depth++;
}

static void close_section(struct text *text, const char *name)
{
    text->depth--;
    add(text, NULL, "</%s>", name);
}

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

/* Every manifest that a setting names. */
static const char *manifest_pattern(const struct htaccess_plan *plan, apr_pool_t *pool)
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

static void add_exceptions(struct text *text, const struct htaccess_plan *plan)
{
    const char *why = "These look like hashed files, and are not, or are to be sent otherwise.";
    for (int i = 0; i < plan->exceptions->nelts; i += NAMES_IN_ONE) {
        add(text, i == 0 ? why : NULL, "RewriteCond $0 !^(?:%s)$",
            join(plan->exceptions, i, i + NAMES_IN_ONE, text->pool));
    }
}

/* Up to the name: %1 is the path below the root, %2 the root, %3 br, %4 gz. */
static void add_gate(struct text *text, const struct htaccess_plan *plan)
{
    if (plan->level == 0) {
        add(text, "Without it methods and codings that are refused (q=0) are not told apart.",
            "RewriteCond $0|%%{REQUEST_FILENAME}|%%{REQUEST_METHOD}|%%{HTTP:Accept-Encoding} "
            "\"^([^|]+)\\|(.+/)\\1\\|(?:GET|HEAD)\\|"
            "(?=(?:.*\\b(br)\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$)))?)"
            "(?:.*\\b(gz)ip\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$)))?\" [NV]");
        return;
    }
    add(text, "Without it Apache decides what it cannot: q-values, ranges, other conditions.",
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

/* What is done with all the rest. At level 0 the rules after the fast path have it: `skip` rules
 * are passed over. */
static const char *otherwise(const struct htaccess_plan *plan, int skip, apr_pool_t *pool)
{
    return plan->level == 0 ? apr_psprintf(pool, "RewriteRule ^ - [S=%d]", skip)
                            : apr_psprintf(pool, "RewriteRule ^ %s [E=HANDBACK:1,END]", plan->cgi);
}

/* Each passes over the rules for those who take no variant, of which there are two. */
static void add_variants(struct text *text, const struct htaccess_plan *plan)
{
    const char *why = "Without them nobody gets a compressed file.";
    if (plan->br) {
        add(text, why, "RewriteCond %%{ENV:HB_FILE}.%%{ENV:HB_BR} -f");
        add(text, NULL,
            "RewriteRule ^ - [E=HB_TAG:%%{ENV:HB_TAG}.br,E=HB_SUFFIX:.br,E=HB_VARY:1,S=%d]",
            plan->gzip ? 3 : 2);
    }
    if (plan->gzip) {
        add(text, plan->br ? NULL : why, "RewriteCond %%{ENV:HB_FILE}.%%{ENV:HB_GZ} -f");
        add(text, NULL,
            "RewriteRule ^ - [E=HB_TAG:%%{ENV:HB_TAG}.gz,E=HB_SUFFIX:.gz,E=HB_VARY:1,S=2]");
    }
}

/* For those who take no variant. */
static void add_identity(struct text *text, const struct htaccess_plan *plan)
{
    add(text, "Without them a file that is not there is promised.",
        "RewriteCond %%{ENV:HB_FILE} !-f");
    add(text, NULL, "%s", otherwise(plan, rules_behind_variants(plan), text->pool));
    if (plan->br || plan->gzip) {
        const char *why = "Without them a cache gives the plain file to everybody.";
        if (plan->br) {
            add(text, why, "RewriteCond %%{ENV:HB_FILE}.br -f%s", plan->gzip ? " [OR]" : "");
        }
        if (plan->gzip) {
            add(text, plan->br ? NULL : why, "RewriteCond %%{ENV:HB_FILE}.gz -f");
        }
        add(text, NULL, "RewriteRule ^ - [E=HB_VARY:1]");
    }
}

static void add_conditions(struct text *text, const struct htaccess_plan *plan)
{
    if (plan->level == 0) {
        add(text, "Apache knows no tag of ours: it is told \"*\" where one matches.",
            "RewriteCond %%{HTTP:If-None-Match}|%%{ENV:HB_TAG} "
            "\\x22([^\\x22|]+)\\x22[^|]*\\|\\1$ [NV]");
        add(text, NULL, "RewriteRule ^ - [E=HB_NONE_MATCH:1]");
        add(text, "Without them If-Match with our tag is 412.",
            "RewriteCond %%{HTTP:If-Match}|%%{ENV:HB_TAG} "
            "(?<!W/)\\x22([^\\x22|]+)\\x22[^|]*\\|\\1$ [NV]");
        add(text, NULL, "RewriteRule ^ - [E=HB_MATCH:1]");
        return;
    }
    add(text, "Only our own tag, alone, needs no decision.",
        "RewriteCond %%{HTTP:If-None-Match}%%{HTTP:If-Modified-Since} !=\"\" [NV]");
    add(text, NULL,
        "RewriteCond %%{HTTP:If-None-Match}|%%{ENV:HB_TAG} "
        "!^(?:W/)?\\x22([^|]+)\\x22\\|\\1$ [NV]");
    add(text, NULL, "%s", otherwise(plan, 0, text->pool));
}

static void add_target(struct text *text, const struct htaccess_plan *plan)
{
    if (plan->pooled) {
        add(text, "The kept copy: without it a running collectstatic tears what is sent.",
            "RewriteRule .* %s/pool/$0%%{ENV:HB_SUFFIX} [QSD,E=HANDBACK:1,END]", plan->state);
        return;
    }
    add(text, "Without them nobody gets the variant that was found.",
        "RewriteCond %%{ENV:HB_SUFFIX} =\"\"");
    add(text, NULL, "RewriteRule ^ - [END]");
    add(text, NULL, "RewriteRule .* $0%%{ENV:HB_SUFFIX} [QSD,E=HANDBACK:1,END]");
}

/* Hashed files, whose answers need no decision. Without mod_headers there would be no Vary, without
 * mod_mime no Content-Encoding. */
static void add_fast_path(struct text *text, const struct htaccess_plan *plan)
{
    if (plan->extensions->nelts == 0) {
        return;
    }
    add_raw(text, "");
    open_section(text, "IfModule mod_headers.c");
    open_section(text, "IfModule mod_mime.c");
    add_exceptions(text, plan);
    add_gate(text, plan);
    add(text, NULL,
        "RewriteRule \"%s\" - [E=HB_TAG:$1,E=HB_FILE:%%2%s%s$0,E=HB_BR:%%3,E=HB_GZ:%%4,S=1]",
        fast_names(plan, text->pool), plan->pooled ? plan->state : "",
        plan->pooled ? "/pool/" : "");
    add(text, plan->level == 0 ? "The rest is sent as it is." : "The rest needs the program.", "%s",
        otherwise(plan, plan->br + plan->gzip + 1 + rules_behind_variants(plan), text->pool));
    add_variants(text, plan);
    add_identity(text, plan);
    add_conditions(text, plan);
    add_target(text, plan);
    close_section(text, "IfModule");
    close_section(text, "IfModule");
}

/* ---- what is sent with them ---- */

/* A value for Header: quotes, and % begins a format there. */
static const char *header_value(const char *value, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(value) + 3), *to = quoted;
    *to++ = '"';
    for (; *value; value++) {
        if (strchr("\"\\%", *value)) {
            *to++ = *value == '%' ? '%' : '\\';
        }
        *to++ = *value;
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

static void add_field(struct text *text, const struct settings_field *field)
{
    if (field->value) {
        add(text, NULL, "Header set %s %s", field->name, header_value(field->value, text->pool));
    } else {
        add(text, NULL, "Header unset %s", field->name);
    }
}

/* The operator's own fields that go with every file. */
static void add_own_fields(struct text *text, const struct htaccess_plan *plan)
{
    for (int i = 0; i < plan->fields->nelts; i++) {
        const struct settings_field *field = &APR_ARRAY_IDX(plan->fields, i, struct settings_field);
        if (strcmp(field->glob, "*") == 0) {
            add_field(text, field);
        }
    }
}

/* All of them, in the order in which they were given. */
static void add_own_fields_0(struct text *text, const struct htaccess_plan *plan)
{
    if (plan->fields->nelts == 0) {
        return;
    }
    open_section(text, "IfModule mod_headers.c");
    for (int i = 0; i < plan->fields->nelts; i++) {
        const struct settings_field *field = &APR_ARRAY_IDX(plan->fields, i, struct settings_field);
        open_section(text, apr_psprintf(text->pool, "Files \"%s\"", field->glob));
        add_field(text, field);
        close_section(text, "Files");
    }
    close_section(text, "IfModule");
}

static const struct line said_above[] = {
    {"Without them lines of the host or of the directories above are sent beside these.",
     "Header always unset Cache-Control"},
    {NULL, "Header always unset X-Content-Type-Options"},
    {NULL, "Header always unset Access-Control-Allow-Origin"},
    {NULL, "Header unset Expires"},
};

/* "Header set", and not "always": so an error page of Apache's own does not bear it. */
static void add_policy(struct text *text, const struct htaccess_plan *plan)
{
    ADD_TABLE(text, said_above);
    add(text, "Without it browsers guess types.", "Header set X-Content-Type-Options nosniff");
    if (plan->mount->allow_all_origins) {
        add(text, "Without it fonts and modules of a page elsewhere do not load.",
            "Header set Access-Control-Allow-Origin *");
    }
}

/* `prefix`: of the variables, once the file is sent. */
static void add_promise(struct text *text, const char *prefix, bool varies)
{
    add(text, "Without it browsers ask for each file again.",
        "Header set Cache-Control \"max-age=315360000, public, immutable\" env=%sHB_TAG", prefix);
    add(text, "Without it the tag is Apache's, another one on every machine.",
        "Header set ETag \"\\\"%%{%sHB_TAG}e\\\"\" env=%sHB_TAG", prefix, prefix);
    if (varies) {
        add(text, "Without it a cache gives a compressed file to those who cannot read it.",
            "Header set Vary Accept-Encoding env=%sHB_VARY", prefix);
    }
}

/* Apache looks at the conditions, and knows no tag of ours. */
static void add_asked(struct text *text, const struct htaccess_plan *plan, const char *prefix)
{
    if (plan->level > 0) {
        add(text, "Without it our own tag is no match, and nothing is a 304.",
            "RequestHeader edit If-None-Match .+ * env=%sHB_TAG", prefix);
        add(text, "Without it a date beside the tag undoes it.",
            "RequestHeader unset If-Modified-Since env=%sHB_TAG", prefix);
        return;
    }
    add(text, "Without it our own tag is no match, and nothing is a 304.",
        "RequestHeader set If-None-Match * env=%sHB_NONE_MATCH", prefix);
    add(text, "Without it a date beside the tag undoes it.",
        "RequestHeader unset If-Modified-Since env=%sHB_NONE_MATCH", prefix);
    add(text, "Without it our own tag is no match: 412.",
        "RequestHeader unset If-Match env=%sHB_MATCH", prefix);
}

static void add_list(struct text *text, const char *why, const char *directive,
                     const apr_array_header_t *words)
{
    const char *line = directive;
    for (int i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        if (strlen(line) + strlen(word) > WIDTH) {
            add(text, why, "%s", line);
            why = NULL;
            line = directive;
        }
        line = apr_pstrcat(text->pool, line, " ", word, NULL);
    }
    if (line != directive) {
        add(text, why, "%s", line);
    }
}

static const struct line variants_of_ours[] = {
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

/* `ours`: variants are sent, whose codings are told by their suffixes. What is added in a section
 * may not be removed in it. */
static void add_removals(struct text *text, const struct htaccess_plan *plan, bool ours)
{
    apr_array_header_t *words = words_of(plan, text->pool);
    add_list(text,
             "Without them a host reads languages, charsets and filters into names:"
             " x.br is Breton there.",
             "RemoveLanguage", words);
    add_list(text, NULL, "RemoveCharset", words);
    add_list(text, NULL, "RemoveOutputFilter", words);
    if (ours) {
        words->elts += 2 * words->elt_size;
        words->nelts -= 2;
        ADD_TABLE(text, variants_of_ours);
    }
    add_list(text, NULL, "RemoveEncoding", words);
}

/* `ours`: as in add_removals. */
static void add_types(struct text *text, const struct htaccess_plan *plan, bool ours)
{
    const char *why = "Without them the host's mime.types decides, and charsets are missing.";
    bool *done = apr_pcalloc(text->pool, (size_t)plan->types->nelts + 1);
    for (int i = 0; i < plan->types->nelts; i++) {
        const char *type = APR_ARRAY_IDX(plan->types, i, struct settings_type).type, *keys = "";
        for (int j = i; j < plan->types->nelts; j++) {
            const struct settings_type *other =
                &APR_ARRAY_IDX(plan->types, j, struct settings_type);
            if (!done[j] && strcmp(other->type, type) == 0 && !(ours && is_suffix(other->key))) {
                keys = apr_pstrcat(text->pool, keys, " ", other->key, NULL);
                done[j] = true;
            }
        }
        if (*keys) {
            add(text, why, "AddType \"%s\"%s", type, keys);
            why = NULL;
        }
    }
}

/* Names whose extension does not tell their type, or that have none. */
static void add_named_types(struct text *text, const struct htaccess_plan *plan)
{
    for (int i = 0; i < plan->named->nelts; i++) {
        const struct settings_type *one = &APR_ARRAY_IDX(plan->named, i, struct settings_type);
        open_section(text, apr_psprintf(text->pool, "Files \"%s\"", one->key));
        add(text, i == 0 ? "Their names decide." : NULL, "ForceType \"%s\"", one->type);
        close_section(text, "Files");
    }
    open_section(text, "FilesMatch \"^(?:(?!.*\\.[\\w-]+$)|.*\\.[0-9a-f]{12}$)\"");
    add(text, "Without it names without an extension have no type.",
        "ForceType application/octet-stream");
    close_section(text, "FilesMatch");
}

static const struct line never_twice[] = {
    {"Without them mod_deflate and mod_brotli compress a second time.", "SetEnv no-gzip 1"},
    {NULL, "SetEnv no-brotli 1"},
};

static const struct line not_run[] = {
    {"Without it the host may run what has .php or .cgi in its name.",
     "SetHandler default-handler"},
};

static const struct line no_store[] = {
    {"Without it a file that vanishes at this moment is a 404 that browsers may keep.",
     "Header always set Cache-Control no-store \"expr=%{REQUEST_STATUS} in {'403', '404', '412', "
     "'416'}\""},
};

static const struct line own_errors[] = {
    {"Without them an error page of the site is sent in its place, without that line.",
     "ErrorDocument 403 default"},
    {NULL, "ErrorDocument 404 default"},
    {NULL, "ErrorDocument 412 default"},
    {NULL, "ErrorDocument 416 default"},
};

/* What mod_setenvif finds in the query of a local redirect. */
static const struct line told[] = {
    {"The program says type and tag in the query; without them Apache makes up its own.",
     "SetEnvIfExpr \"%{QUERY_STRING} =~ /(?:^|&)type=([^&]+)/\" HB_TYPE=$1"},
    {NULL, "SetEnvIfExpr \"%{QUERY_STRING} =~ /(?:^|&)charset=([^&]+)/\" HB_CHARSET=$1"},
    {NULL, "SetEnvIfExpr \"%{QUERY_STRING} =~ /(?:^|&)etag=([^&]+)/\" HB_TAG=$1"},
};

static const struct line restored[] = {
    {NULL, "Header set Content-Type \"expr=%{reqenv:HB_TYPE}\" env=HB_TYPE"},
    {NULL, "Header set Content-Type \"expr=%{reqenv:HB_TYPE}; charset=%{reqenv:HB_CHARSET}\" "
           "env=HB_CHARSET"},
    {NULL, "Header set ETag \"expr=\\\"%{reqenv:HB_TAG}\\\"\" env=HB_TAG"},
};

#define SECTION(text, module, table)                                                               \
    do {                                                                                           \
        open_section((text), "IfModule " module);                                                  \
        ADD_TABLE((text), table);                                                                  \
        close_section((text), "IfModule");                                                         \
    } while (0)

/* Everything stands in such a section, since sections for files come after all other lines, those
 * of the directories above included; and since what mod_mime is told to forget is forgotten only
 * once: lines of a second directory take the first ones back. */
static void open_files(struct text *text)
{
    open_section(text, "Files \"*\"");
    ADD_TABLE(text, not_run);
}

static const struct line kept[] = {
    {"Without them lines of the directories above are sent beside those of the program.",
     "Header unset Cache-Control"},
    {NULL, "Header unset X-Content-Type-Options"},
    {NULL, "Header unset Access-Control-Allow-Origin"},
    {NULL, "Header unset Expires"},
    {NULL, "Header always set X-Content-Type-Options nosniff"},
};

/* What the local redirect of a program leads to; the fields of the program stay. */
static void add_restoring(struct text *text, const struct htaccess_plan *plan)
{
    ADD_TABLE(text, own_errors);
    SECTION(text, "mod_setenvif.c", told);
    open_files(text);
    open_section(text, "IfModule mod_headers.c");
    ADD_TABLE(text, kept);
    ADD_TABLE(text, restored);
    ADD_TABLE(text, no_store);
    close_section(text, "IfModule");
    SECTION(text, "mod_env.c", never_twice);
    open_section(text, "IfModule mod_mime.c");
    add_removals(text, plan, false);
    close_section(text, "IfModule");
    close_section(text, "Files");
}

/* What is sent by Apache alone. */
static void add_sending(struct text *text, const struct htaccess_plan *plan, bool also_direct)
{
    bool varies = plan->br || plan->gzip;
    open_files(text);
    open_section(text, "IfModule mod_headers.c");
    add_policy(text, plan);
    add_own_fields(text, plan);
    if (also_direct) {
        add_asked(text, plan, "");
        add_promise(text, "", varies);
    }
    add_asked(text, plan, "REDIRECT_");
    add_promise(text, "REDIRECT_", varies);
    close_section(text, "IfModule");
    SECTION(text, "mod_env.c", never_twice);
    open_section(text, "IfModule mod_mime.c");
    add_removals(text, plan, true);
    add_types(text, plan, true);
    close_section(text, "IfModule");
    close_section(text, "Files");
}

/* ---- where mod_rewrite is missing ---- */

/* At level 1 the program has everything then; where that cannot be, Apache sends the files by
 * itself, and what is secret is closed. A program that redirects (level 2, 3) would be asked again
 * and again. */
static void add_without_rewrite(struct text *text, const struct htaccess_plan *plan)
{
    add_raw(text, "");
    open_section(text, "IfModule !mod_rewrite.c");
    if (plan->level == 1) {
        open_section(text, "IfModule mod_actions.c");
        add(text, "Without them the program is not asked on a host without mod_rewrite.",
            "Action handback-files %s virtual", plan->cgi);
        add(text, NULL, "SetHandler handback-files");
        close_section(text, "IfModule");
    }
    add(text, "Without it clients read what is not for them.",
        "RedirectMatch 404 \"/\\.|/[^/]+\\.py[co]?$|/staticfiles\\.json$\"");
    close_section(text, "IfModule");
}

static const struct line engine[] = {
    {"Without it no rule is looked at.", "RewriteEngine On"},
    {"Without it rules of the directories above may be added to these.",
     "RewriteOptions IgnoreInherit"},
};

/* ---- level 0 ---- */

static const struct line sidecars[] = {
    {"Without them a compressed copy is sent as a file of its own.",
     "RewriteCond %{REQUEST_FILENAME} ^(.+)\\.(?:br|gz|zstd?)$"},
    {NULL, "RewriteCond %1 -f"},
    {NULL, "RewriteRule ^ - [R=404,END]"},
};

static const struct line heads[] = {
    {"Without them HEAD with a Range is answered by a part.",
     "RewriteCond %{REQUEST_METHOD} =HEAD"},
    {NULL, "RewriteRule ^ - [E=HB_HEAD:1]"},
};

static const struct line files_alone[] = {
    {"Without them directories are listed, and a pipe holds Apache for ever.",
     "RewriteCond %{REQUEST_FILENAME} !-f"},
    {NULL, "RewriteRule ^ - [R=404,END]"},
};

#define VARIANT "\\.[0-9a-f]{12}\\.[^.]+\\.(?:br|gz)$"

/* In two sections that never meet: see open_files. */
static void add_types_0(struct text *text, const struct htaccess_plan *plan)
{
    open_section(text, "IfModule mod_mime.c");
    open_section(text, "FilesMatch \"^(?!.*" VARIANT ")\"");
    add_removals(text, plan, false);
    add_types(text, plan, false);
    close_section(text, "FilesMatch");
    if (plan->br || plan->gzip) {
        open_section(text, "FilesMatch \"" VARIANT "\"");
        add_removals(text, plan, true);
        add_types(text, plan, true);
        ADD_TABLE(text, never_twice);
        close_section(text, "FilesMatch");
    }
    add_named_types(text, plan);
    close_section(text, "IfModule");
}

static const struct line no_store_0[] = {
    {"Without it browsers may keep an error that passes.",
     "Header always set Cache-Control no-store \"expr=%{REQUEST_STATUS} in {'403', '404', "
     "'416'}\""},
};

/* A 412 bears what its file bears. */
static const struct line not_412[] = {
    {"Without it a 412 is kept as long as the file.",
     "Header set Cache-Control no-store \"expr=%{REQUEST_STATUS} == '412'\""},
};

static void add_headers_0(struct text *text, const struct htaccess_plan *plan)
{
    bool varies = plan->br || plan->gzip;
    open_section(text, "IfModule mod_headers.c");
    add_policy(text, plan);
    if (plan->mount->max_age_sent) {
        add(text, "Without it browsers guess how long a file is fresh.",
            "Header set Cache-Control \"max-age=%lu, public\"",
            (unsigned long)plan->mount->max_age);
    }
    ADD_TABLE(text, no_store_0);
    add(text, "Goes with the rule for HEAD.", "RequestHeader unset Range env=HB_HEAD");
    if (plan->extensions->nelts > 0) {
        if (!plan->pooled) {
            add_asked(text, plan, "");
            add_promise(text, "", varies);
        }
        add_asked(text, plan, "REDIRECT_");
        add_promise(text, "REDIRECT_", varies);
    }
    ADD_TABLE(text, not_412);
    close_section(text, "IfModule");
}

static void add_level_0(struct text *text, const struct htaccess_plan *plan)
{
    open_section(text, "IfModule mod_rewrite.c");
    ADD_TABLE(text, engine);
    add(text, "Without it clients read dotfiles, manifests and programs.",
        "RewriteRule \"(?:^|/)\\.|\\.py[co]?$%s\" - [R=404,END]",
        manifest_pattern(plan, text->pool));
    ADD_TABLE(text, sidecars);
    ADD_TABLE(text, heads);
    add_fast_path(text, plan);
    add_raw(text, "");
    ADD_TABLE(text, files_alone);
    close_section(text, "IfModule");
    add_without_rewrite(text, plan);
    add_raw(text, "");
    ADD_TABLE(text, own_errors);
    open_files(text);
    add_headers_0(text, plan);
    close_section(text, "Files");
    add_own_fields_0(text, plan);
    add_types_0(text, plan);
}

/* ---- levels 1 to 3 ---- */

static void add_level_1(struct text *text, const struct htaccess_plan *plan)
{
    open_section(text, "IfModule mod_rewrite.c");
    ADD_TABLE(text, engine);
    add_fast_path(text, plan);
    add_raw(text, "");
    add(text, "Everything else: without it the program is not asked.", "%s",
        otherwise(plan, 0, text->pool));
    if (!plan->pooled && plan->extensions->nelts > 0) {
        add_raw(text, "");
        add_sending(text, plan, true);
    }
    close_section(text, "IfModule");
    add_without_rewrite(text, plan);
}

/* The CGI beside the FastCGI program, for hosts without the module. */
static const char *plain_cgi(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    size_t len = strlen(plan->cgi), suffix = strlen(".fcgi");
    bool named = len > suffix && strcmp(plan->cgi + len - suffix, ".fcgi") == 0;
    return named ? apr_pstrcat(pool, apr_pstrmemdup(pool, plan->cgi, len - suffix), ".cgi", NULL)
                 : plan->cgi;
}

static void add_level_2(struct text *text, const struct htaccess_plan *plan)
{
    struct htaccess_plan plain = *plan;
    plain.cgi = plain_cgi(plan, text->pool);
    open_section(text, "IfModule mod_rewrite.c");
    ADD_TABLE(text, engine);
    if (plan->level == 3) {
        open_section(text, "IfModule mod_fcgid.c");
        add(text, "Without it each request starts a program.", "%s",
            otherwise(plan, 0, text->pool));
        close_section(text, "IfModule");
    }
    add(text, "Without it the program is not asked.", "%s", otherwise(&plain, 0, text->pool));
    add_raw(text, "");
    add_restoring(text, plan);
    close_section(text, "IfModule");
    add_without_rewrite(text, plan);
}

/* ---- the texts ---- */

static struct text begin(apr_pool_t *pool)
{
    return (struct text){.pieces = apr_array_make(pool, 64, sizeof(const char *)), .pool = pool};
}

static const char *finish(const struct text *text)
{
    return apr_array_pstrcat(text->pool, text->pieces, 0);
}

const char *htaccess_text_root(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    struct text text = begin(pool);
    add_raw(&text,
            "# Lines of your own make prepare leave this file alone. The manual, handback(1), "
            "says more under SHARED HOSTS.");
    add_raw(&text, "");
    if (plan->level == 0) {
        add_level_0(&text, plan);
    } else if (plan->level == 1) {
        add_level_1(&text, plan);
    } else {
        add_level_2(&text, plan);
    }
    return finish(&text);
}

/* Nobody but Apache, by the rules of the file above, reaches what is kept. */
static void add_closing(struct text *text, const struct htaccess_plan *plan)
{
    open_section(text, "IfModule mod_rewrite.c");
    ADD_TABLE(text, engine);
    add(text, "Without them clients reach the kept files, and more.",
        "RewriteCond %%{ENV:REDIRECT_HANDBACK}%%{ENV:REDIRECT_REDIRECT_HANDBACK} =\"\"");
    add(text, NULL, "RewriteRule ^ %s",
        plan->level == 0 ? "- [R=404,END]"
                         : apr_pstrcat(text->pool, plain_cgi(plan, text->pool), " [END]", NULL));
    close_section(text, "IfModule");
    open_section(text, "IfModule !mod_rewrite.c");
    add(text, "The same without mod_rewrite.", "RedirectMatch 404 ^");
    close_section(text, "IfModule");
}

const char *htaccess_text_state(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    struct text text = begin(pool);
    add_raw(&text, "# The state directory is not for clients.");
    add_raw(&text, "");
    add_closing(&text, plan);
    if (plan->level == 0) {
        SECTION(&text, "mod_env.c", never_twice);
    } else if (plan->level == 1) {
        add_sending(&text, plan, false);
    }
    return finish(&text);
}

/* ---- the first line ---- */

static const char *sum_of(const char *text, apr_pool_t *pool)
{
    struct md5 digest;
    char hex[MD5_HEX + 1];
    md5_begin(&digest);
    md5_add(&digest, text, strlen(text));
    md5_end(&digest, hex);
    return apr_pstrmemdup(pool, hex, SUM);
}

const char *htaccess_text_sign(const struct htaccess_plan *plan, const char *text, apr_pool_t *pool)
{
    return apr_psprintf(pool, HTACCESS_MARK "\n%s", plan->level, plan->cgi, sum_of(text, pool),
                        text);
}

bool htaccess_text_is_ours(const char *text, int *level, const char **cgi, apr_pool_t *pool)
{
    char url[256], sum[SUM + 1];
    int version;
    const char *end = strchr(text, '\n');
    bool marked = end && sscanf(text, "# Handback %d level %d cgi %255s sum %12[0-9a-f]:", &version,
                                level, url, sum) == 4;
    if (!marked || strcmp(sum_of(end + 1, pool), sum) != 0) {
        return false;
    }
    *cgi = apr_pstrdup(pool, url);
    return true;
}
