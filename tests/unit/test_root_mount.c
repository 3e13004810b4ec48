/* The top of a site: robots.txt and the like, and the one dot directory that is served (RFC 8615).
 */
#include "answer_site.h"

#define A_MINUTE "Cache-Control: max-age=60, public"

static int make(void **state)
{
    static const char *const names[] = {
        "top/robots.txt",
        "top/favicon.ico",
        "top/.well-known/security.txt",
        "top/.well-known/acme-challenge/token-_1",
        "top/.well-known/.secret",
        "top/.well-known/.git/config",
        "top/.well-known/x/.y",
        "top/.WELL-KNOWN/security.txt",
        "top/.well-knownx/security.txt",
        "top/.env",
        "top/.git/config",
        "top/deep/.well-known/security.txt",
        "top/static/live.txt",
        "top/static/only-here.txt",
        "top/media/x.txt",
        "up/.well-known/security.txt",
        ".well-known/security.txt",
    };
    if (answer_site_make(state) != 0) {
        return -1;
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        scratch_write(&tree, names[i], "here");
    }
    scratch_link(&tree, "top/out.txt", "../live.txt");
    scratch_link(&tree, "top/well", ".well-known");
    answer_site_reopen(
        (const char *const[VARIABLES_MAX]){"MEDIA_ROOT=@/up", "HANDBACK_ROOT=@/top", NULL}, NULL);
    return 0;
}

static void what_belongs_at_the_top_is_served_there(void **state)
{
#define HERE                                                                                       \
    {                                                                                              \
        200, {"Content-Length: 4", A_MINUTE, "X-Content-Type-Options: nosniff"},                   \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
    static const struct answer_row rows[] = {
        {"robots.txt",
         {"GET", "/robots.txt", {0}},
         {200, {"Content-Type: text/plain; charset=utf-8", "Content-Length: 4", A_MINUTE}, {0}},
         0},
        {"favicon.ico", {"GET", "/favicon.ico", {0}}, HERE, 0},
        {"RFC 9116 security.txt", {"GET", "/.well-known/security.txt", {0}}, HERE, 0},
        {"RFC 8555 8.3 a challenge", {"GET", "/.well-known/acme-challenge/token-_1", {0}}, HERE, 0},
        {"an encoded dot", {"GET", "/%2ewell-known/security.txt", {0}}, HERE, 0},
        {"dots and slashes on the way", {"GET", "/x/..//.well-known/./security.txt", {0}}, HERE, 0},
        {"HEAD", {"HEAD", "/.well-known/security.txt", {0}}, HERE, 0},
        {"a query", {"GET", "/robots.txt?x", {0}}, HERE, 0},
        {"a condition",
         {"GET", "/robots.txt", {"HTTP_IF_NONE_MATCH=*"}},
         {304, {A_MINUTE}, {0}},
         0},
        {"POST", {"POST", "/robots.txt", {0}}, {405, {"Allow: GET, HEAD, OPTIONS"}, {0}}, 0},
        {"a URL of another mount is that one's",
         {"GET", "/static/live.txt", {0}},
         {200, {"Content-Length: 10"}, {0}},
         0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

static void what_does_not_is_404(void **state)
{
    static const char *const targets[] = {
        "/",
        "/missing.txt",
        "/application/view/",
        "/application/view",
        "/.well-known",
        "/.well-known/",
        "/.well-known/.secret",
        "/.well-known/.git/config",
        "/.well-known/x/.y",
        "/.well-known/missing",
        "/.well-known/../.env",
        "/.WELL-KNOWN/security.txt",
        "/.well-knownx/security.txt",
        "/.env",
        "/.git/config",
        "/deep/.well-known/security.txt",
        "/static/only-here.txt",
        "/static/.well-known/security.txt",
        "/media/.well-known/security.txt",
        "/media/x.txt",
        "/robots.txt/",
    };
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    (void)state;
    for (size_t i = 0; i < COUNT(targets) * COUNT(methods); i++) {
        const char *target = targets[i / COUNT(methods)];
        const struct answer_row row = {target,
                                       {methods[i % COUNT(methods)], target, {0}},
                                       {404, {"Cache-Control: no-store"}, {"ETag:", "Allow:"}},
                                       0};
        answer_check_rows(&row, 1);
    }
}

static void links_at_the_top_are_links_like_others(void **state)
{
    static const struct answer_row rows[] = {
        {"out", {"GET", "/out.txt", {0}}, {404, {0}, {0}}, HB_LINK_LEAVES_ROOT},
        {"into .well-known", {"GET", "/well/security.txt", {0}}, {200, {0}, {0}}, 0},
    };
    (void)state;
    answer_check_rows(rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_belongs_at_the_top_is_served_there),
        cmocka_unit_test(what_does_not_is_404),
        cmocka_unit_test(links_at_the_top_are_links_like_others),
    };
    return cmocka_run_group_tests(tests, make, answer_site_drop);
}
