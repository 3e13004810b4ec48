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
    FIELDS_MAX = 8,
    VARIABLES_MAX = 4,
    MESSAGE_MAX = 1 << 18,
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

/* Compiles and opens the site by STATIC_ROOT, some variables more ("@" stands for the tree) and,
 * when `file` is not NULL, a settings file. */
static inline void answer_site_open_by(const char *const variables[VARIABLES_MAX], const char *file)
{
    static char text[VARIABLES_MAX + 2][2 * SCRATCH_PATH];
    char *environment[VARIABLES_MAX + 3] = {text[0]};
    size_t count = 1;
    struct settings settings;
    struct compiled compiled;
    struct error error = {0};
    snprintf(text[0], sizeof text[0], "STATIC_ROOT=%s", tree.path);
    for (size_t i = 0; i < VARIABLES_MAX && variables[i]; i++) {
        const char *place = strchr(variables[i], '@');
        int before = place ? (int)(place - variables[i]) : (int)strlen(variables[i]);
        environment[count] = text[count];
        snprintf(text[count], sizeof text[count], "%.*s%s%s", before, variables[i],
                 place ? tree.path : "", place ? place + 1 : "");
        count++;
    }
    if (file) {
        scratch_write(&tree, ".etc/site.json", file);
        snprintf(text[count], sizeof text[count], "HANDBACK_CONFIG=%s/.etc/site.json", tree.path);
        environment[count] = text[count];
    }
    site = NULL;
    if (settings_read(&settings, environment, pool, &error) == 0 &&
        compile_site(&settings, &(struct compile_options){0}, &compiled, pool, &error) == 0) {
        struct site_parts parts = {.block = compiled.block,
                                   .size = compiled.size,
                                   .state = settings_state(&settings, pool),
                                   .made = INT64_MIN};
        site = site_open(&parts, &error);
    }
    if (!site) {
        print_error("%s\n", error.text);
        abort();
    }
    site_choose_release(site, 0, slice_of(NULL), &error);
}

/* The same with one variable more, or none (NULL). */
static inline void answer_site_open(const char *variable)
{
    answer_site_open_by((const char *const[VARIABLES_MAX]){variable}, NULL);
}

/* The same in place of the site that is open. */
static inline void answer_site_reopen(const char *const variables[VARIABLES_MAX], const char *file)
{
    site_release(site);
    answer_site_open_by(variables, file);
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
    const char *variables[VARIABLES_MAX];
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

/* Whether the web server has started the process that answers. */
static bool answer_spawned;

static inline void answer_ask(struct answer *answer, struct asked asked, int64_t now)
{
    static struct request request;
    const struct request_source source = {
        .variable = answer_variable,
        .context = &asked,
        .front = {.spawned = answer_spawned, .same_user = answer_spawned}};
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

/* What one request gives, with the one diagnosis that the operator is to hear. */
struct answer_row {
    const char *label;
    struct asked asked;
    struct expected expected;
    enum diagnosis fault;
};

static inline void answer_check_rows(const struct answer_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        static struct answer answer;
        int descriptors = scratch_descriptors();
        answer_ask(&answer, rows[i].asked, NOW);
        answer_check(rows[i].label, &answer, &rows[i].expected);
        if (!CHECK(rows[i].label, answer.fault.number == rows[i].fault)) {
            answer_print(&answer);
        }
        CHECK(rows[i].label, answer.status < 300 || answer.status == 304 ||
                                 answer_has(&answer, "Cache-Control: no-store"));
        CHECK(rows[i].label,
              answer.fault.number == NO_DIAGNOSIS || !strstr(answer.fault.text, tree.path));
        answer_close(&answer);
        CHECK(rows[i].label, scratch_descriptors() == descriptors);
    }
    check_end();
}

/* Everything that a gateway would write for an answer, read in pieces of `piece` bytes behind the
 * beginning; the answer is closed. Returns the body, or NULL when it ends early; *len is its length
 * and *head what stands before it, with its empty line. */
static inline const char *answer_deliver(struct answer *answer, size_t piece, size_t *len,
                                         struct slice *head)
{
    static char message[MESSAGE_MAX];
    size_t used = deliver_begin(answer, message, DELIVER_HEAD_SIZE + piece);
    ssize_t got = 1;
    while (got > 0 && answer->body.fd >= 0 && used + piece <= sizeof message) {
        got = body_read(&answer->body, message + used, piece, &answer->fault);
        used += got > 0 ? (size_t)got : 0;
    }
    answer_close(answer);
    const char *end = memmem(message, used, "\r\n\r\n", 4);
    if (!end || got < 0) {
        return NULL;
    }
    *len = used - (size_t)(end + 4 - message);
    *head = (struct slice){message, (size_t)(end + 4 - message)};
    return end + 4;
}

#endif
