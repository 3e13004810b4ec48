/* A small site in a directory of its own, compiled and opened, for the tests of answers. */
#ifndef ANSWER_SITE_H
#define ANSWER_SITE_H

#include "check.h"
#include "compile/compile.h"
#include "scratch.h"
#include "serve/answer.h"
#include "serve/deliver.h"

#include <apr_general.h>

#define CSS "19a8f035ca97"
#define APP "40361acfb463"
#define OLD "814fa5ca9840"
#define WRONG "000000000000"

enum {
    NOW = SCRATCH_OLD + 1000000,
    CSS_SIZE = 1300,
    FIELDS_MAX = 8
};

static struct scratch tree;
static struct site *site;
static apr_pool_t *pool;

static inline void answer_site_write_files(void)
{
    char css[CSS_SIZE + 1] = "", small[400];
    for (int i = 0; i < 100; i++) {
        memcpy(css + 13 * i, "a{color:red}\n", 13);
    }
    memset(small, 'B', sizeof small);
    scratch_write_bytes(&tree, "css/a." CSS ".css", css, CSS_SIZE);
    scratch_write_bytes(&tree, "css/a." CSS ".css.br", small, 300);
    scratch_write_bytes(&tree, "css/a." CSS ".css.gz", small, 400);
    scratch_write(&tree, "css/a.css", "/* half-finished collectstatic */\n");
    scratch_write(&tree, "js/app." APP ".js", "// app\n");
    scratch_write(&tree, "js/wrong." WRONG ".js", "// not what its name says\n");
    scratch_write(&tree, "js/torn." APP ".js", "// app\n");
    scratch_write(&tree, "js/short." APP ".js", "// app\n");
    scratch_write(&tree, "kept." OLD ".txt", "old\n");
    scratch_write(&tree, "liar." WRONG ".txt", "old\n");
    scratch_write(&tree, "live.txt", "0123456789");
    scratch_write(&tree, "live.html", "0123456789012345678901234567890123456789");
    scratch_write(&tree, "live.html.gz", "a gzip, perhaps");
    scratch_write(&tree, "stale.html", "0123456789012345678901234567890123456789");
    scratch_write(&tree, "stale.html.gz", "older than its source");
    scratch_age(&tree, "stale.html.gz", SCRATCH_OLD - 1);
    scratch_write(&tree, "alone.gz", "no original");
    scratch_write(&tree, "self.js", "0123456789");
    scratch_write(&tree, "self.js.gz", "content");
    scratch_write(&tree, "empty.txt", "");
    scratch_write(&tree, "epoch.txt", "from an image");
    scratch_age(&tree, "epoch.txt", 1);
    scratch_write(&tree, "tomorrow.txt", "a wrong clock");
    scratch_age(&tree, "tomorrow.txt", NOW + 86400);
    scratch_write(&tree, "with space.txt", "0123456789");
    scratch_write(&tree, ".env", "SECRET");
    scratch_write(&tree, ".git/config", "SECRET");
    scratch_write(&tree, "dir/.hidden/x.txt", "SECRET");
    scratch_link(&tree, "inside.txt", "live.txt");
    scratch_link(&tree, "out.txt", "/etc/passwd");
    scratch_link(&tree, "outdir", "/etc");
    scratch_need(mkfifoat(tree.fd, "fifo", 0644) == 0, "mkfifo");
    scratch_write(&tree, "staticfiles.json",
                  "{\"version\": \"1.1\", \"hash\": \"x\", \"paths\": {"
                  "\"css/a.css\": \"css/a." CSS ".css\","
                  "\"js/app.js\": \"js/app." APP ".js\","
                  "\"js/wrong.js\": \"js/wrong." WRONG ".js\","
                  "\"js/torn.js\": \"js/torn." APP ".js\","
                  "\"js/short.js\": \"js/short." APP ".js\","
                  "\"self.js\": \"self.js\", \"self.js.gz\": \"self.js.gz\","
                  "\"js/gone.js\": \"js/gone." APP ".js\"}}");
}

/* Compiles and opens the site; `variables` of the settings beside STATIC_ROOT may be NULL. */
static inline void answer_site_open(const char *variable)
{
    char root[SCRATCH_PATH + 16], config[SCRATCH_PATH + 32], other[2 * SCRATCH_PATH];
    char *environment[] = {root, config, NULL, NULL};
    struct settings settings;
    struct compiled compiled;
    struct error error = {0};
    snprintf(root, sizeof root, "STATIC_ROOT=%s", tree.path);
    snprintf(config, sizeof config, "HOME=%s", tree.path);
    if (variable) {
        snprintf(other, sizeof other, "%s", variable);
        environment[2] = other;
    }
    struct catalog *catalog = NULL;
    if (settings_read(&settings, environment, pool, &error) == 0 &&
        compile_site(&settings, NULL, &compiled, pool, &error) == 0) {
        site = site_open(compiled.block, compiled.size, &error);
        catalog = site ? &site->catalog : NULL;
    }
    if (!catalog) {
        print_error("%s\n", error.text);
        abort();
    }
    catalog_choose(catalog, 0, slice_of(NULL), slice_of(NULL), &error);
}

static inline int answer_site_make(void **state)
{
    (void)state;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    tree = scratch_make();
    answer_site_write_files();
    answer_site_open(NULL);
    return 0;
}

static inline int answer_site_drop(void **state)
{
    (void)state;
    site_release(site);
    scratch_remove(&tree);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* A request as rows write it: a method, a target, and variables as NAME=value. */
struct asked {
    const char *method, *uri;
    const char *variables[4];
};

static inline const char *answer_variable(void *context, const char *name)
{
    const struct asked *asked = context;
    if (strcmp(name, "REQUEST_METHOD") == 0) {
        return asked->method;
    }
    if (strcmp(name, "REQUEST_URI") == 0) {
        return asked->uri;
    }
    for (size_t i = 0; i < COUNT(asked->variables) && asked->variables[i]; i++) {
        size_t len = strlen(name);
        if (strncmp(asked->variables[i], name, len) == 0 && asked->variables[i][len] == '=') {
            return asked->variables[i] + len + 1;
        }
    }
    return NULL;
}

static inline void answer_ask(struct answer *answer, struct asked asked, int64_t now)
{
    static struct request request;
    const struct request_source source = {.variable = answer_variable, .context = &asked};
    request_read(&request, &source);
    answer_make(answer, site, &request, now);
}

/* Whether the head has the line "Name: value"; a line that ends in ':' asks for the name alone. */
static inline bool answer_has(const struct answer *answer, const char *line)
{
    size_t len = strlen(line);
    for (struct slice rest = {answer->head.text, answer->head.len}; rest.len > 0;) {
        struct slice one = slice_cut(&rest, '\n');
        struct slice start = {one.at, one.len < len ? one.len : len};
        bool whole = line[len - 1] == ':' || one.len == len + 1;
        if (whole && slice_equal(start, slice_of(line))) {
            return true;
        }
    }
    return false;
}

static inline void answer_print(const struct answer *answer)
{
    print_error("    %d\n    %.*s    fault HB%04d %s\n", answer->status, (int)answer->head.len,
                answer->head.text, (int)answer->fault.number,
                answer->fault.number ? answer->fault.text : "");
}

/* A row's expectation: a status, lines that the head has, and names ("Name:") that it has not. */
struct expected {
    int status;
    const char *has[FIELDS_MAX];
    const char *lacks[FIELDS_MAX];
};

static inline bool answer_check(const char *label, const struct answer *answer,
                                const struct expected *expected)
{
    bool right = CHECK(label, answer->status == expected->status);
    for (size_t i = 0; i < FIELDS_MAX && expected->has[i]; i++) {
        right =
            check_row(label, answer_has(answer, expected->has[i]), expected->has[i], __LINE__) &&
            right;
    }
    for (size_t i = 0; i < FIELDS_MAX && expected->lacks[i]; i++) {
        right = check_row(label, !answer_has(answer, expected->lacks[i]), expected->lacks[i],
                          __LINE__) &&
                right;
    }
    if (!right) {
        answer_print(answer);
    }
    return right;
}

#endif
