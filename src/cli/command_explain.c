#include "cli/command_explain.h"

#include "base/log.h"
#include "cli/current.h"
#include "cli/options.h"
#include "compile/settings.h"
#include "serve/answer.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A request as the command line describes it. */
struct asked {
    const char *method;
    const char *target;
    apr_pool_t *pool;
    apr_table_t *variables; /* of the header fields, as RFC 3875 4.1.18 names them */
    bool json;
    bool help;
    struct settings settings; /* those in force */
};

enum option {
    OPT_HELP = 256,
    OPT_JSON
};

static const apr_getopt_option_t option_table[] = {
    {"header", 'H', 1, "a header field, 'Name: value'; may be repeated"},
    {"request", 'X', 1, "the method (GET)"},
    {"json", OPT_JSON, 0, "print it as JSON"},
    {"help", OPT_HELP, 0, "print this"},
    {NULL, 0, 0, NULL},
};

static void print_help(void)
{
    puts("usage: handback explain URL [-H 'Name: value']... [-X METHOD] [--json]\n"
         "\n"
         "Decides the answer to a request with the code that serves, and prints what each\n"
         "step found and why, then the status and the header. Nothing is asked over the\n"
         "network; the settings are those of this environment and handback.json. Run it\n"
         "as the user that serves, with what the web server sets:\n"
         "\n"
         "  runuser -u www-data -- env STATIC_ROOT=/srv/example/static \\\n"
         "      HANDBACK_DELIVERY=x-sendfile HANDBACK_CODING_HEADER=X-Handback-Coding \\\n"
         "      handback explain /static/css/base.css -H 'Accept-Encoding: gzip, br'\n"
         "\n"
         "  -H, --header FIELD   a header field, 'Name: value'; may be repeated\n"
         "  -X, --request METHOD the method (GET)\n"
         "  --json               print it as JSON\n"
         "  --help               print this");
}

/* "Accept-Encoding: br" becomes HTTP_ACCEPT_ENCODING; fields of one name are joined, as web servers
 * do (RFC 9110 5.3). */
static int take_field(struct asked *asked, const char *field)
{
    apr_pool_t *pool = asked->pool;
    struct slice value = slice_of(field);
    struct slice name = slice_cut(&value, ':');
    value = slice_trim(value);
    if (!value.at || !head_is_token(name) || !head_is_value(value)) {
        return -1;
    }
    char *variable = apr_pstrcat(pool, "HTTP_", apr_pstrmemdup(pool, name.at, name.len), NULL);
    for (char *c = variable; *c; c++) {
        *c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    const char *text = apr_pstrmemdup(pool, value.at, value.len);
    const char *before = apr_table_get(asked->variables, variable);
    apr_table_set(asked->variables, variable,
                  before ? apr_pstrcat(pool, before, ", ", text, NULL) : text);
    return 0;
}

static const char *variable(void *context, const char *name)
{
    const struct asked *asked = context;
    if (strcmp(name, "REQUEST_METHOD") == 0) {
        return asked->method;
    }
    return strcmp(name, "REQUEST_URI") == 0 ? asked->target : apr_table_get(asked->variables, name);
}

/* Targets are copied out of logs: none of their bytes may speak to the terminal. */
static void print_plain(FILE *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        putc(slice_has_control((struct slice){text.at + i, 1}) ? '?' : text.at[i], out);
    }
}

static int refuse(const char *value, const char *what)
{
    fputs("handback explain: \"", stderr);
    print_plain(stderr, slice_of(value));
    fprintf(stderr, "\" %s; see handback explain --help\n", what);
    return -1;
}

static int take_option(void *context, int option, const char *value)
{
    struct asked *asked = context;
    switch (option) {
    case 'H':
        return take_field(asked, value) == 0
                   ? 0
                   : refuse(value, "is no header field; write -H 'Name: value'");
    case 'X':
        asked->method = value;
        return head_is_token(slice_of(value)) ? 0 : refuse(value, "is no method");
    case OPT_JSON:
        asked->json = true;
        return 0;
    case OPT_HELP:
    default:
        asked->help = true;
        return 0;
    }
}

static int parse(struct asked *asked, int argc, const char *const *argv, apr_pool_t *pool)
{
    const struct options line = {
        .command = "explain", .table = option_table, .take = take_option, .context = asked};
    int count;
    const char *const *arguments = options_read(&line, argc, argv, &count, pool);
    if (!arguments) {
        return -1;
    }
    if (asked->help) {
        return 0;
    }
    if (count != 1) {
        return options_refuse("explain", "one URL is wanted");
    }
    asked->target = arguments[0];
    if (asked->target[0] != '/' && !strstr(asked->target, "://")) {
        return refuse(asked->target, "is neither a URL nor a path that begins with a slash");
    }
    return 0;
}

/* Who sends the bytes of the file, if any are sent. */
static const char *delivery_of_answer(const struct answer *answer)
{
    return answer->delivery != DELIVERY_BODY || answer->body.fd >= 0
               ? delivery_name(answer->delivery)
               : "none";
}

static void print_line(const char *indent, struct slice text)
{
    fputs(indent, stdout);
    print_plain(stdout, text);
    putchar('\n');
}

static void print_clauses(const char *found)
{
    for (const char *end; *found; found = *end ? end + 2 : end) {
        end = strstr(found, "; ");
        end = end ? end : found + strlen(found);
        print_line("   ", (struct slice){found, (size_t)(end - found)});
    }
}

static void print_settings(const struct asked *asked)
{
    const char *file = asked->settings.file;
    bool there = file && access(file, F_OK) == 0;
    printf("settings of the environment and %s%s\n", file ? file : "no file",
           there || !file ? "" : ", which does not exist");
}

static int print_text(const struct asked *asked, const struct answer *answer,
                      const struct trace *trace)
{
    fputs(asked->method, stdout);
    print_line(" ", slice_of(asked->target));
    if (geteuid() == 0) {
        puts("(as root, who may read everything: run it as the user that serves)");
    }
    print_settings(asked);
    putchar('\n');
    for (unsigned i = 0; i < trace->steps; i++) {
        const struct trace_step *step = &trace->step[i];
        printf("%2u %-11s (%s)\n", i + 1, step->name, step->why);
        print_clauses(step->found);
    }
    putchar('\n');
    print_line("", answer_status_line(answer->status));
    for (struct slice rest = {answer->head.text, answer->head.len}; rest.len > 0;) {
        print_line("", slice_cut(&rest, '\r'));
        rest = slice_from(rest, 1);
    }
    if (answer->fault.number != NO_DIAGNOSIS) {
        printf("\nHB%04d: %s\n", (int)answer->fault.number, answer->fault.text);
    }
    return 0;
}

/* Names in the file system need not be UTF-8, and JSON must. */
static json_t *text_of(struct slice text)
{
    json_t *json = json_stringn(text.at ? text.at : "", text.len);
    char plain[TRACE_TEXT];
    size_t len = text.len < sizeof plain ? text.len : sizeof plain;
    for (size_t i = 0; !json && i < len; i++) {
        plain[i] = (unsigned char)text.at[i] < 0x80 ? text.at[i] : '?';
    }
    return json ? json : json_stringn(plain, len);
}

static json_t *headers_of(const struct head *head)
{
    json_t *headers = json_array();
    for (struct slice rest = {head->text, head->len}; rest.len > 0;) {
        struct slice value = slice_cut(&rest, '\r');
        struct slice name = slice_cut(&value, ':');
        rest = slice_from(rest, 1);
        json_array_append_new(headers,
                              json_pack("[o, o]", text_of(name), text_of(slice_trim(value))));
    }
    return headers;
}

static json_t *steps_of(const struct trace *trace)
{
    json_t *steps = json_array();
    for (unsigned i = 0; i < trace->steps; i++) {
        const struct trace_step *step = &trace->step[i];
        json_array_append_new(steps, json_pack("{s:s, s:s, s:o}", "step", step->name, "why",
                                               step->why, "found", text_of(slice_of(step->found))));
    }
    return steps;
}

static json_t *diagnosis_of(const struct error *fault)
{
    char text[sizeof fault->text + 16];
    if (fault->number == NO_DIAGNOSIS) {
        return json_null();
    }
    snprintf(text, sizeof text, "HB%04d: %s", (int)fault->number, fault->text);
    return text_of(slice_of(text));
}

static int print_json(const struct asked *asked, const struct answer *answer,
                      const struct trace *trace)
{
    uint64_t length = answer->text.at ? answer->text.len + 1 : answer->body.length;
    json_t *whole = json_pack("{s:s, s:o, s:o, s:i, s:o, s:s, s:I, s:o}", "method", asked->method,
                              "target", text_of(slice_of(asked->target)), "steps", steps_of(trace),
                              "status", answer->status, "headers", headers_of(&answer->head),
                              "delivery", delivery_of_answer(answer), "length", (json_int_t)length,
                              "diagnosis", diagnosis_of(&answer->fault));
    int result = whole ? json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) : -1;
    puts("");
    json_decref(whole);
    return result == 0 ? 0 : 2;
}

/* What the web server announces beside a request is a variable of the request. */
static void take_announcement(struct asked *asked, const char *name, apr_pool_t *pool)
{
    const char *value = getenv(name);
    if (value) {
        apr_table_set(asked->variables, name, apr_pstrdup(pool, value));
        unsetenv(name);
    }
}

static struct current *open_site(struct asked *asked, apr_pool_t *pool, struct error *error)
{
    take_announcement(asked, "HANDBACK_DELIVERY", pool);
    take_announcement(asked, "HANDBACK_CODING_HEADER", pool);
    if (settings_read(&asked->settings, environ, pool, error) != 0) {
        return NULL;
    }
    struct current *current =
        current_make(&(struct current_options){.settings = &asked->settings}, error);
    if (current && error->number != NO_DIAGNOSIS) {
        current_free(current);
        return NULL;
    }
    return current;
}

static int explain(struct asked *asked, apr_pool_t *pool)
{
    static struct answer answer;
    static struct trace trace;
    struct error error;
    struct request request;
    struct current *current = open_site(asked, pool, &error);
    if (!current) {
        log_always(&error);
        return 2;
    }
    struct site_source source = current_source(current);
    struct site *site = source.current(source.context);
    struct request_source variables = {
        .variable = variable, .context = asked, .front = {.spawned = true, .same_user = true}};
    request_read(&request, &variables);
    answer_explain(&answer, site, &request, time(NULL), &trace);
    int result = (asked->json ? print_json : print_text)(asked, &answer, &trace);
    answer_close(&answer);
    site_release(site);
    current_free(current);
    return result;
}

int command_explain(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 2;
    }
    struct asked asked = {.method = "GET", .pool = pool, .variables = apr_table_make(pool, 8)};
    if (parse(&asked, argc, argv, pool) != 0) {
        return 2;
    }
    if (asked.help) {
        print_help();
        return 0;
    }
    return explain(&asked, pool);
}
