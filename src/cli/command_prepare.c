#include "cli/command_prepare.h"

#include "base/log.h"
#include "cli/options.h"
#include "compile/settings.h"
#include "prepare/htaccess.h"
#include "prepare/prepare.h"

#include <apr_strings.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct prepare_options {
    struct prepare_wish wish;
    const char *level; /* of --htaccess */
    const char *cgi;
    bool json;
    bool quiet;
    bool help;
};

enum option {
    OPT_HELP = 256,
    OPT_BESIDE,
    OPT_DRY,
    OPT_HTACCESS,
    OPT_CGI,
    OPT_JSON,
    OPT_QUIET
};

static const apr_getopt_option_t option_table[] = {
    {"beside", OPT_BESIDE, 1, "DIR: write a catalog there too, for handback.cgi"},
    {"htaccess", OPT_HTACCESS, 1, "LEVEL: write .htaccess of level 0, 1, 2 or 3"},
    {"cgi", OPT_CGI, 1, "URL: of the program there (/cgi-bin/handback.cgi)"},
    {"dry-run", OPT_DRY, 0, "change nothing on disk, say what would be done"},
    {"json", OPT_JSON, 0, "print the result as JSON"},
    {"quiet", OPT_QUIET, 0, "print nothing but faults"},
    {"help", OPT_HELP, 0, "print this"},
    {NULL, 0, 0, NULL},
};

static void print_help(void)
{
    puts("usage: handback prepare [--beside DIR] [--htaccess LEVEL [--cgi URL]]\n"
         "                        [--dry-run] [--json] [--quiet]\n"
         "Run it after collectstatic: it keeps this release (its manifest, hashed files and\n"
         "compressed copies) in the state directory and writes the catalog there, which\n"
         "running responders take within a second.\n");
    for (const apr_getopt_option_t *option = option_table; option->name; option++) {
        printf("  --%-10s %s\n", option->name, option->description);
    }
    puts("\n"
         "Settings, from the environment or handback.json beside the program:\n"
         "  STATIC_ROOT     the directory that collectstatic has filled\n"
         "  HANDBACK_STATE  the state directory (STATIC_ROOT/.handback)\n"
         "  HANDBACK_POOL   how files are kept: link, copy, off (link)\n"
         "  RELEASE_ID      the name of this release, where its manifest lies at the root\n"
         "\n"
         "Exit status: 0 done; 1 done, but faults were found; 2 not done, the old catalog\n"
         "stays.");
}

static int take_option(void *context, int option, const char *value)
{
    struct prepare_options *options = context;
    switch (option) {
    case OPT_BESIDE:
        options->wish.beside = value;
        return 0;
    case OPT_DRY:
        options->wish.dry = true;
        return 0;
    case OPT_HTACCESS:
        options->level = value;
        return 0;
    case OPT_CGI:
        options->cgi = value;
        return 0;
    case OPT_JSON:
        options->json = true;
        return 0;
    case OPT_QUIET:
        options->quiet = true;
        return 0;
    default:
        options->help = true;
        return 0;
    }
}

static int parse_options(struct prepare_options *options, int argc, const char *const *argv,
                         apr_pool_t *pool)
{
    const struct options line = {
        .command = "prepare", .table = option_table, .take = take_option, .context = options};
    int count;
    if (!options_read(&line, argc, argv, &count, pool)) {
        return -1;
    }
    const char *wrong = count == 0
                            ? htaccess_wish(&options->wish.htaccess, options->level, options->cgi)
                            : "it takes no arguments";
    return wrong ? options_refuse("prepare", wrong) : 0;
}

static const char *state_of(bool changed, bool dry)
{
    return !changed ? "as it was" : dry ? "would be written" : "new";
}

static void print_beside(const struct report *report, bool dry)
{
    for (int i = 0; i < report->beside->nelts; i++) {
        const struct report_beside *one = &APR_ARRAY_IDX(report->beside, i, struct report_beside);
        printf("beside:   %s (%s)\n", one->path, state_of(one->changed, dry));
        if (!one->program) {
            puts("note:     there is no handback.cgi beside it: is that the cgi-bin? Elsewhere "
                 "clients\n"
                 "          could ask for it");
        }
    }
}

static void print_text(const struct report *report, bool dry, bool inside)
{
    const char *would = dry ? "would be " : "";
    printf("releases: %d kept", report->releases);
    if (report->published) {
        printf(", published last: %s", report->published);
    }
    printf("\nfiles:    %llu kept, %llu %sadded", (unsigned long long)report->kept,
           (unsigned long long)(report->added - report->replaced), would);
    if (report->replaced > 0) {
        printf(", %llu %sreplaced", (unsigned long long)report->replaced, would);
    }
    printf("\nvariants: %llu kept, %llu %sadded\n", (unsigned long long)report->variants,
           (unsigned long long)report->variants_added, would);
    printf("faults:   %llu\n", (unsigned long long)report->faults);
    printf("catalog:  %s/catalog (%s)\n", report->state, state_of(report->changed, dry));
    print_beside(report, dry);
    if (inside) {
        puts(report->htaccess->nelts > 0
                 ? "note:     collectstatic --clear deletes it and the .htaccess: leave --clear out"
                 : "note:     collectstatic --clear deletes it there; HANDBACK_STATE may name a "
                   "directory\n"
                   "          beside the root");
    }
}

/* The generated files; a dry run prints them as they would be. */
static void print_htaccess(const struct report *report, bool dry)
{
    for (int i = 0; i < report->htaccess->nelts; i++) {
        const struct report_htaccess *one =
            &APR_ARRAY_IDX(report->htaccess, i, struct report_htaccess);
        printf("htaccess: %s (level %d, %s)\n", one->path, one->level,
               !one->changed ? "as it was"
               : dry         ? "would be written:"
                             : "new");
        if (dry && one->changed) {
            fputs(one->text, stdout);
        }
    }
}

/* Names in the file system need not be UTF-8, and JSON must. */
static json_t *text_of(const char *text)
{
    json_t *json = text ? json_string(text) : json_null();
    char plain[sizeof(struct error)];
    size_t len = 0;
    for (; !json && text[len] && len < sizeof plain; len++) {
        plain[len] = (unsigned char)text[len] < 0x80 ? text[len] : '?';
    }
    return json ? json : json_stringn(plain, len);
}

static json_t *diagnoses_of(const struct report *report)
{
    json_t *list = json_array();
    for (int i = 0; i < report->fault->nelts; i++) {
        char line[LOG_LINE_MAX];
        const struct error *fault = &((const struct error *)(const void *)report->fault->elts)[i];
        snprintf(line, sizeof line, "HB%04d: %s", (int)fault->number, fault->text);
        json_array_append_new(list, text_of(line));
    }
    return list;
}

static json_t *htaccess_of(const struct report *report)
{
    json_t *list = json_array();
    for (int i = 0; i < report->htaccess->nelts; i++) {
        const struct report_htaccess *one =
            &APR_ARRAY_IDX(report->htaccess, i, struct report_htaccess);
        json_array_append_new(list, json_pack("{s:o, s:i, s:b, s:o}", "file", text_of(one->path),
                                              "level", one->level, "changed", one->changed, "text",
                                              text_of(one->text)));
    }
    return list;
}

static json_t *beside_of(const struct report *report)
{
    json_t *list = json_array();
    for (int i = 0; i < report->beside->nelts; i++) {
        const struct report_beside *one = &APR_ARRAY_IDX(report->beside, i, struct report_beside);
        json_array_append_new(
            list, json_pack("{s:o, s:b}", "file", text_of(one->path), "changed", one->changed));
    }
    return list;
}

static int print_json(const struct report *report, bool dry, apr_pool_t *pool)
{
    json_t *whole = json_pack(
        "{s:b, s:b, s:o, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "dry_run",
        dry, "changed", report->changed, "catalog",
        text_of(apr_pstrcat(pool, report->state, "/catalog", NULL)), "releases", report->releases,
        "published", text_of(report->published), "kept", (json_int_t)report->kept, "added",
        (json_int_t)(report->added - report->replaced), "replaced", (json_int_t)report->replaced,
        "variants", (json_int_t)report->variants, "variants_added",
        (json_int_t)report->variants_added, "gone", (json_int_t)report->gone, "faults",
        (json_int_t)report->faults, "diagnoses", diagnoses_of(report), "beside", beside_of(report),
        "htaccess", htaccess_of(report));
    int result = whole ? json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) : -1;
    puts("");
    json_decref(whole);
    return result;
}

/* There Apache would send the program as a file, or ask it for itself. */
static int refuse_program_below(const struct settings *settings, const struct htaccess_wish *wish,
                                struct error *error)
{
    for (uint32_t i = 0; i < settings->mounts && wish->given && wish->level > 0; i++) {
        const struct settings_mount *mount = &settings->mount[i];
        struct slice url = slice_of(mount->url);
        if (mount->kind == MOUNT_STATIC && url.len > 1 && slice_starts(slice_of(wish->cgi), url)) {
            return error_set(error, HB_SETTING_BAD_VALUE,
                             "--cgi: \"%s\" lies below %s, whose files Apache sends: put the "
                             "program elsewhere",
                             wish->cgi, mount->url);
        }
    }
    return 0;
}

static int prepare(const struct prepare_options *options, apr_pool_t *pool)
{
    struct settings settings;
    struct report report = report_make(pool);
    struct error error;
    if (settings_read(&settings, environ, pool, &error) != 0 ||
        settings_require_roots(&settings, &error) != 0 ||
        refuse_program_below(&settings, &options->wish.htaccess, &error) != 0) {
        log_always(&error);
        return 2;
    }
    htaccess_set_delivery(&settings, &options->wish.htaccess, pool);
    if (prepare_site(&settings, &options->wish, &report, pool, &error) != 0) {
        log_always(&error);
        return 2;
    }
    int result = 0;
    if (options->json) {
        result = print_json(&report, options->wish.dry, pool);
    } else if (!options->quiet) {
        print_text(&report, options->wish.dry, !settings.state);
        print_htaccess(&report, options->wish.dry);
    }
    return result != 0 ? 2 : report.faults > 0 ? 1 : 0;
}

int command_prepare(int argc, const char *const *argv)
{
    struct prepare_options options = {0};
    apr_pool_t *pool;
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes (ulimit -f) is an error of write then */
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        parse_options(&options, argc, argv, pool) != 0) {
        return 2;
    }
    if (options.help) {
        print_help();
        return 0;
    }
    return prepare(&options, pool);
}
