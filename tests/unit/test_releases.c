/* What is published by looks at roots, one after the other. */
#include "check.h"
#include "prepare/releases.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOKS = 6
};

/* A look: at a root, with a RELEASE_ID, finding manifests "path=md5@seconds" in this order. */
struct look {
    const char *root, *wanted, *found;
};

/* Releases are shown as id=md5#published in the order of that number, with their roots behind ':'.
 * A look with another `url` is written as root "url root". */
static const struct {
    const char *label;
    struct look looks[LOOKS];
    const char *kept;
} rows[] = {
    {"nothing is found", {{"/r", NULL, ""}}, ""},
    {"a manifest at the root is named by its md5",
     {{"/r", NULL, "staticfiles.json=aa@1"}},
     "aaaaaaaaaaaa=aa#1:/r"},
    {"or by RELEASE_ID", {{"/r", "v1", "staticfiles.json=aa@1"}}, "v1=aa#1:/r"},
    {"one in a directory by the directory",
     {{"/r", NULL, "v1/staticfiles.json=aa@1"}},
     "v1=aa#1:/r"},
    {"the last of several directories names it",
     {{"/r", "other", "deep/v1/staticfiles.json=aa@1"}},
     "v1=aa#1:/r"},
    {"RELEASE_ID that names a directory does not name the root's",
     {{"/r", "v1", "staticfiles.json=bb@1 v1/staticfiles.json=aa@2"}},
     "bbbbbbbbbbbb=bb#1:/r v1=aa#2:/r"},
    {"the end of a directory's name is not its name",
     {{"/r", "1", "staticfiles.json=bb@1 v1/staticfiles.json=aa@2"}},
     "v1=aa#2:/r 1=bb#3:/r"},
    {"several new ones are published by their times",
     {{"/r", NULL, "a/staticfiles.json=aa@3 b/staticfiles.json=bb@1 c/staticfiles.json=cc@2"}},
     "b=bb#1:/r c=cc#2:/r a=aa#3:/r"},
    {"then by their paths",
     {{"/r", NULL, "b/staticfiles.json=bb@1 a/staticfiles.json=aa@1"}},
     "a=aa#1:/r b=bb#2:/r"},
    {"a second look changes nothing",
     {{"/r", NULL, "staticfiles.json=aa@1"}, {"/r", NULL, "staticfiles.json=aa@9"}},
     "aaaaaaaaaaaa=aa#1:/r"},
    {"a manifest that replaces another keeps it, without the root",
     {{"/r", NULL, "staticfiles.json=aa@1"}, {"/r", NULL, "staticfiles.json=bb@2"}},
     "aaaaaaaaaaaa=aa#1: bbbbbbbbbbbb=bb#2:/r"},
    {"an old manifest that comes back is published anew",
     {{"/r", NULL, "staticfiles.json=aa@1"},
      {"/r", NULL, "staticfiles.json=bb@2"},
      {"/r", NULL, "staticfiles.json=aa@1"}},
     "bbbbbbbbbbbb=bb#2: aaaaaaaaaaaa=aa#3:/r"},
    {"the same id with another md5 leaves the older one its md5 as a name",
     {{"/r", "v1", "staticfiles.json=aa@1"}, {"/r", "v1", "staticfiles.json=bb@2"}},
     "aaaaaaaaaaaa=aa#1: v1=bb#2:/r"},
    {"a release that RELEASE_ID no longer names keeps its id",
     {{"/r", "v1", "staticfiles.json=aa@1"}, {"/r", NULL, "staticfiles.json=aa@1"}},
     "v1=aa#1:/r"},
    {"equal files under a new RELEASE_ID are a new release",
     {{"/r", "v1", "staticfiles.json=aa@1"}, {"/r", "v2", "staticfiles.json=aa@2"}},
     "v1=aa#1: v2=aa#2:/r"},
    {"RELEASE_ID that names a kept release publishes it and replaces nothing",
     {{"/r", "v1", "staticfiles.json=aa@1"},
      {"/r", "v2", "staticfiles.json=bb@2"},
      {"/r", "v1", "staticfiles.json=bb@2"},
      {"/r", "v1", "staticfiles.json=bb@2"}},
     "v2=bb#2:/r v1=aa#3:"},
    {"RELEASE_ID of a directory publishes it when it is not the last",
     {{"/r", NULL, "a/staticfiles.json=aa@1 b/staticfiles.json=bb@2"},
      {"/r", "a", "a/staticfiles.json=aa@1 b/staticfiles.json=bb@2"}},
     "b=bb#2:/r a=aa#3:/r"},
    {"RELEASE_ID that names nothing publishes nothing",
     {{"/r", "zz", "a/staticfiles.json=aa@1"}},
     "a=aa#1:/r"},
    {"a directory that is gone is kept without the root",
     {{"/r", NULL, "a/staticfiles.json=aa@1 b/staticfiles.json=bb@2"},
      {"/r", NULL, "b/staticfiles.json=bb@2"}},
     "a=aa#1: b=bb#2:/r"},
    {"a root that is empty now has no release",
     {{"/r", NULL, "staticfiles.json=aa@1"}, {"/r", NULL, ""}},
     "aaaaaaaaaaaa=aa#1:"},
    {"a release that comes back unchanged to an empty root is as it was",
     {{"/r", NULL, "staticfiles.json=aa@1"},
      {"/r", NULL, ""},
      {"/r", NULL, "staticfiles.json=aa@1"}},
     "aaaaaaaaaaaa=aa#1:/r"},
    {"roots that share the state have their own releases",
     {{"/1", "v1", "staticfiles.json=aa@1"}, {"/2", "v2", "staticfiles.json=bb@2"}},
     "v1=aa#1:/1 v2=bb#2:/2"},
    {"a look back at a former root changes nothing",
     {{"/1", "v1", "staticfiles.json=aa@1"},
      {"/2", "v2", "staticfiles.json=bb@2"},
      {"/1", NULL, "staticfiles.json=aa@1"}},
     "v1=aa#1:/1 v2=bb#2:/2"},
    {"the same release in two roots is one",
     {{"/1", "v1", "staticfiles.json=aa@1"}, {"/2", "v1", "staticfiles.json=aa@2"}},
     "v1=aa#1:/1,/2"},
    {"a name that one root gives to another release leaves the other root its own",
     {{"/1", "v1", "staticfiles.json=aa@1"},
      {"/2", "v1", "staticfiles.json=aa@2"},
      {"/2", "v1", "staticfiles.json=cc@3"}},
     "aaaaaaaaaaaa=aa#1:/1 v1=cc#2:/2"},
    {"mounts have names of their own",
     {{"/r", "v1", "staticfiles.json=aa@1"}, {"/other/ /r", "v1", "staticfiles.json=bb@2"}},
     "v1=aa#1:/r v1=bb#2:/r"},
    {"a release of another mount does not make ours old",
     {{"/r", "v1", "staticfiles.json=aa@1"},
      {"/other/ /q", "w1", "staticfiles.json=bb@2"},
      {"/r", "v1", "staticfiles.json=aa@1"}},
     "v1=aa#1:/r w1=bb#2:/q"},
    {"of two directories with one name the later counts, look after look",
     {{"/r", NULL, "x/v1/staticfiles.json=aa@1 y/v1/staticfiles.json=bb@2"},
      {"/r", NULL, "x/v1/staticfiles.json=aa@1 y/v1/staticfiles.json=bb@2"}},
     "v1=bb#1:/r"},
};

static apr_pool_t *pool;

static int make(void **state)
{
    (void)state;
    return apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* "aa" stands for 32 times 'a'. */
static const char *whole_md5(const char *two)
{
    char *md5 = apr_pcalloc(pool, 33);
    memset(md5, two[0], 32);
    return md5;
}

static apr_array_header_t *found_of(const char *text)
{
    apr_array_header_t *found = apr_array_make(pool, 4, sizeof(struct releases_found));
    char *rest = apr_pstrdup(pool, text), *one;
    while ((one = apr_strtok(rest, " ", &rest))) {
        char *md5 = strchr(one, '='), *date = strchr(one, '@');
        *md5++ = '\0';
        *date++ = '\0';
        *(struct releases_found *)apr_array_push(found) = (struct releases_found){
            .path = one, .md5 = whole_md5(md5), .modified = {.tv_sec = atoi(date)}};
    }
    return found;
}

static apr_array_header_t *look(const apr_array_header_t *before, const struct look *look)
{
    const char *space = strchr(look->root, ' ');
    struct releases_root root = {
        .url = space ? apr_pstrmemdup(pool, look->root, (size_t)(space - look->root)) : "/static/",
        .path = space ? space + 1 : look->root,
        .wanted = look->wanted,
        .found = found_of(look->found),
        .held = apr_array_make(pool, 1, sizeof(const char *))};
    return releases_update(before, &root, pool);
}

static const char *shown(const apr_array_header_t *releases)
{
    const char *text = "";
    for (int i = 0; i < releases->nelts; i++) {
        const struct kept_release *one = kept_at(releases, i);
        text = apr_psprintf(pool, "%s%s%s=%.2s#%d:", text, i > 0 ? " " : "", one->id, one->md5,
                            (int)one->published);
        for (int r = 0; r < one->roots->nelts; r++) {
            text = apr_pstrcat(pool, text, r > 0 ? "," : "",
                               ((const char *const *)(const void *)one->roots->elts)[r], NULL);
        }
    }
    return text;
}

static void releases_are_kept_and_numbered(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        apr_array_header_t *releases = apr_array_make(pool, 1, sizeof(struct kept_release));
        for (int l = 0; l < LOOKS && rows[i].looks[l].root; l++) {
            const char *before = shown(releases);
            apr_array_header_t *after = look(releases, &rows[i].looks[l]);
            CHECK(rows[i].label, strcmp(shown(releases), before) == 0);
            releases = after;
        }
        if (!CHECK(rows[i].label, strcmp(shown(releases), rows[i].kept) == 0)) {
            print_error("    %s\n", shown(releases));
        }
    }
    check_end();
}

static void a_manifest_that_is_gone_for_a_moment_leaves_its_release_published(void **state)
{
    const struct look there = {"/r", "v1", "staticfiles.json=aa@1"};
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(struct kept_release));
    apr_array_header_t *before = look(none, &there);
    struct releases_root gone = {.url = "/static/",
                                 .path = "/r",
                                 .found = found_of(""),
                                 .held = apr_array_make(pool, 1, sizeof(const char *))};
    (void)state;
    assert_string_equal(shown(releases_update(before, &gone, pool)), "v1=aa#1:");
    *(const char **)apr_array_push(gone.held) = "staticfiles.json";
    assert_string_equal(shown(releases_update(before, &gone, pool)), "v1=aa#1:/r");
}

static void a_repeated_look_gives_an_equal_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        apr_array_header_t *releases = apr_array_make(pool, 1, sizeof(struct kept_release));
        const struct look *last = NULL;
        for (int l = 0; l < LOOKS && rows[i].looks[l].root; l++) {
            last = &rows[i].looks[l];
            apr_array_header_t *after = look(releases, last);
            CHECK(rows[i].label,
                  releases_equal(releases, after) == (strcmp(shown(releases), shown(after)) == 0));
            releases = after;
        }
        CHECK(rows[i].label, releases_equal(releases, look(releases, last)));
    }
    check_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(releases_are_kept_and_numbered),
        cmocka_unit_test(a_manifest_that_is_gone_for_a_moment_leaves_its_release_published),
        cmocka_unit_test(a_repeated_look_gives_an_equal_list),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
