#include "prepare/htaccess_text.h"

#include "base/md5.h"
#include "prepare/htaccess_lines.h"
#include "prepare/htaccess_match.h"
#include "prepare/htaccess_mime.h"
#include "prepare/htaccess_send.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#define SUM 12

/* ---- where mod_rewrite is missing ---- */

/* At level 1 the program has everything then; where that cannot be, Apache sends the files by
 * itself, and what is secret is closed. A program that redirects (level 2, 3) would be asked again
 * and again. */
static void add_without_rewrite(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_raw(text, "");
    htaccess_lines_open(text, "IfModule !mod_rewrite.c");
    if (plan->level == 1) {
        htaccess_lines_open(text, "IfModule mod_actions.c");
        htaccess_lines_add(text,
                           "Without them the program is not asked on a host without mod_rewrite.",
                           "Action handback-files %s virtual", plan->cgi);
        htaccess_lines_add(text, NULL, "SetHandler handback-files");
        htaccess_lines_close(text, "IfModule");
    }
    htaccess_lines_add(text, "Without it clients read what is not for them.",
                       "RedirectMatch 404 \"/\\.|/[^/]+\\.py[co]?$|/staticfiles\\.json$\"");
    htaccess_lines_close(text, "IfModule");
}

static const struct htaccess_line engine[] = {
    {"Without it no rule is looked at.", "RewriteEngine On"},
    {"Without it rules of the directories above may be added to these.",
     "RewriteOptions IgnoreInherit"},
};

/* ---- level 0 ---- */

static const struct htaccess_line sidecars[] = {
    {"Without them a compressed copy is sent as a file of its own.",
     "RewriteCond %{REQUEST_FILENAME} ^(.+)\\.(?:br|gz|zstd?)$"},
    {NULL, "RewriteCond %1 -f"},
    {NULL, "RewriteRule ^ - [R=404,END]"},
};

/* Not R=404: with that mod_negotiation, whose look-ups these are, lists the file all the same. */
static const struct htaccess_line looked_up[] = {
    {"Without them MultiViews answers for a file that is missing here, before any rule.",
     "RewriteCond %{IS_SUBREQ} =true"},
    {NULL, "RewriteRule \\.(?:br|gz|zstd?)$ - [F]"},
};

static const struct htaccess_line heads[] = {
    {"Without them HEAD with a Range is answered by a part.",
     "RewriteCond %{REQUEST_METHOD} =HEAD"},
    {NULL, "RewriteRule ^ - [E=HB_HEAD:1]"},
};

static const struct htaccess_line files_alone[] = {
    {"Without them directories are listed, and a pipe holds Apache for ever.",
     "RewriteCond %{REQUEST_FILENAME} !-f"},
    {NULL, "RewriteRule ^ - [R=404,END]"},
};

static void add_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_open(text, "IfModule mod_rewrite.c");
    HTACCESS_LINES_TABLE(text, engine);
    htaccess_lines_add(text, "Without it clients read dotfiles, manifests and programs.",
                       "RewriteRule \"(?:^|/)\\.|\\.py[co]?$%s\" - [R=404,END]",
                       htaccess_match_manifests(plan, text->pool));
    htaccess_match_links(text, plan);
    HTACCESS_LINES_TABLE(text, looked_up);
    HTACCESS_LINES_TABLE(text, sidecars);
    HTACCESS_LINES_TABLE(text, heads);
    htaccess_match_add(text, plan);
    htaccess_lines_raw(text, "");
    HTACCESS_LINES_TABLE(text, files_alone);
    htaccess_lines_close(text, "IfModule");
    add_without_rewrite(text, plan);
    htaccess_lines_raw(text, "");
    htaccess_send_level_0(text, plan);
}

/* ---- levels 1 to 3 ---- */

static void add_level_1(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_open(text, "IfModule mod_rewrite.c");
    HTACCESS_LINES_TABLE(text, engine);
    htaccess_match_add(text, plan);
    htaccess_lines_raw(text, "");
    htaccess_lines_add(text, "Everything else: without it the program is not asked.", "%s",
                       htaccess_match_otherwise(plan, 0, text->pool));
    if (!plan->pooled && plan->extensions->nelts > 0) {
        htaccess_lines_raw(text, "");
        htaccess_send_add(text, plan, true);
    }
    htaccess_lines_close(text, "IfModule");
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

static void add_level_2(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    struct htaccess_plan plain = *plan;
    plain.cgi = plain_cgi(plan, text->pool);
    htaccess_lines_open(text, "IfModule mod_rewrite.c");
    HTACCESS_LINES_TABLE(text, engine);
    if (plan->level == 3) {
        htaccess_lines_open(text, "IfModule mod_fcgid.c");
        htaccess_lines_add(text, "Without it each request starts a program.", "%s",
                           htaccess_match_otherwise(plan, 0, text->pool));
        htaccess_lines_close(text, "IfModule");
    }
    htaccess_lines_add(text, "Without it the program is not asked.", "%s",
                       htaccess_match_otherwise(&plain, 0, text->pool));
    htaccess_lines_raw(text, "");
    htaccess_send_restoring(text, plan);
    htaccess_lines_close(text, "IfModule");
    add_without_rewrite(text, plan);
}

/* ---- the texts ---- */

const char *htaccess_text_root(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    struct htaccess_lines text = htaccess_lines_begin(pool);
    htaccess_lines_raw(
        &text, "# Lines of your own make prepare leave this file alone. The manual, handback(1), "
               "says more under SHARED HOSTS.");
    htaccess_lines_raw(&text, "");
    if (plan->level == 0) {
        add_level_0(&text, plan);
    } else if (plan->level == 1) {
        add_level_1(&text, plan);
    } else {
        add_level_2(&text, plan);
    }
    return htaccess_lines_finish(&text);
}

/* Nobody but Apache, by the rules of the file above, reaches what is kept. */
static void add_closing(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_open(text, "IfModule mod_rewrite.c");
    HTACCESS_LINES_TABLE(text, engine);
    htaccess_lines_add(
        text, "Without them clients reach the kept files, and more.",
        "RewriteCond %%{ENV:REDIRECT_HANDBACK}%%{ENV:REDIRECT_REDIRECT_HANDBACK} =\"\"");
    htaccess_lines_add(text, NULL, "RewriteRule ^ %s",
                       plan->level == 0
                           ? "- [R=404,END]"
                           : apr_pstrcat(text->pool, plain_cgi(plan, text->pool), " [END]", NULL));
    htaccess_lines_close(text, "IfModule");
    htaccess_lines_open(text, "IfModule !mod_rewrite.c");
    htaccess_lines_add(text, "The same without mod_rewrite.", "RedirectMatch 404 ^");
    htaccess_lines_close(text, "IfModule");
}

const char *htaccess_text_state(const struct htaccess_plan *plan, apr_pool_t *pool)
{
    struct htaccess_lines text = htaccess_lines_begin(pool);
    htaccess_lines_raw(&text, "# The state directory is not for clients.");
    htaccess_lines_raw(&text, "");
    add_closing(&text, plan);
    if (plan->level == 0) {
        HTACCESS_LINES_MODULE(&text, "mod_env.c", htaccess_mime_never_twice);
    } else if (plan->level == 1) {
        htaccess_send_add(&text, plan, false);
    }
    return htaccess_lines_finish(&text);
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
