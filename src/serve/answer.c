#include "serve/answer.h"

#include "http/uri.h"
#include "serve/fields.h"
#include "serve/hand_back.h"
#include "serve/variant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    RETRY_SETTINGS = 5, /* seconds */
    RETRY_FILE = 2,
    LOCATION_SIZE = 7500, /* web servers take header fields of 8 KB */
};

struct slice answer_status_line(int status)
{
    static const struct {
        int status;
        const char *line;
    } lines[] = {
        {200, "200 OK"},
        {204, "204 No Content"},
        {206, "206 Partial Content"},
        {302, "302 Found"},
        {304, "304 Not Modified"},
        {400, "400 Bad Request"},
        {401, "401 Unauthorized"},
        {403, "403 Forbidden"},
        {404, "404 Not Found"},
        {405, "405 Method Not Allowed"},
        {406, "406 Not Acceptable"},
        {408, "408 Request Timeout"},
        {410, "410 Gone"},
        {411, "411 Length Required"},
        {412, "412 Precondition Failed"},
        {413, "413 Content Too Large"},
        {414, "414 URI Too Long"},
        {415, "415 Unsupported Media Type"},
        {416, "416 Range Not Satisfiable"},
        {417, "417 Expectation Failed"},
        {422, "422 Unprocessable Content"},
        {429, "429 Too Many Requests"},
        {501, "501 Not Implemented"},
        {502, "502 Bad Gateway"},
        {503, "503 Service Unavailable"},
        {504, "504 Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].status == status) {
            return slice_of(lines[i].line);
        }
    }
    return slice_of("500 Internal Server Error");
}

/* ---- endings ---- */

/* An answer whose body is a line of text that names nothing of ours: never stored, and the same for
 * HEAD but for the body. */
static bool end_with_text(struct story *story, int status)
{
    struct answer *answer = story->answer;
    if (story->request && story->request->error_status) {
        status = story->request->error_status; /* its page fails too */
    }
    answer->status = status;
    answer->text = answer_status_line(status);
    head_add_text(&answer->head, "Content-Type", "text/plain; charset=utf-8");
    head_add_number(&answer->head, "Content-Length", answer->text.len + 1);
    head_add_text(&answer->head, "Cache-Control", "no-store");
    fields_add_nosniff(story);
    if (status == 405) {
        head_add_text(&answer->head, "Allow", METHOD_ALLOWED);
    }
    if (story->method == METHOD_HEAD) {
        answer->text = (struct slice){0};
    }
    return true;
}

static bool end_unavailable(struct story *story, int retry_seconds)
{
    head_add_number(&story->answer->head, "Retry-After", (uint64_t)retry_seconds);
    return end_with_text(story, 503);
}

/* An error about a file that is there: what holds for it whatever the status is stays. */
static bool end_with_refusal(struct story *story, int status)
{
    fields_add_policy(story);
    return end_with_text(story, status);
}

/* An error about the bytes that the client would get: their tag, and the mount's own fields. */
static bool end_about_variant(struct story *story, int status)
{
    head_add(&story->answer->head, "ETag", story->validators.etag);
    end_with_refusal(story, status);
    fields_apply_own(story);
    return true;
}

/* ---- the steps, in the order in which they are taken ---- */

static bool take_settings(struct story *story)
{
    if (!story->site) {
        trace_add(story->trace, "bad: the log says why");
        return end_unavailable(story, RETRY_SETTINGS);
    }
    trace_add(story->trace, "good; the catalog is %s%s",
              story->site->stored ? "that of prepare in " : "made in memory: none to use in ",
              story->site->state);
    return false;
}

static bool take_target(struct story *story)
{
    const struct path *path = &story->request->path;
    switch (story->request->path_verdict) {
    case PATH_OK:
        trace_add(story->trace, "%s", path->text);
        return false;
    case PATH_OUTSIDE:
        trace_add(story->trace, "it climbs above the top of the site");
        return end_with_text(story, 404);
    case PATH_TOO_LONG:
        trace_add(story->trace, "it is longer than %d bytes", PATH_SIZE);
        return end_with_text(story, 414);
    case PATH_MALFORMED:
    default:
        trace_add(story->trace, "it is no path: bad percent-encoding, or a control byte");
        return end_with_text(story, 400);
    }
}

static bool take_mount(struct story *story)
{
    static const char *const kinds[MOUNT_KINDS] = {"static", "media", "root"};
    struct slice path = {story->request->path.text, story->request->path.len};
    if (!catalog_find_mount(story->site->mount, story->site->mounts, path, &story->mount,
                            &story->name)) {
        trace_add(story->trace, "no mount has a URL that it begins with");
        return end_with_text(story, 404);
    }
    story->policy = story->site->mount[story->mount];
    trace_add(story->trace, "%.*s (%s): %s", (int)story->policy.url.len, story->policy.url.at,
              kinds[story->policy.kind], story->site->path[story->mount]);
    return false;
}

/* The name of the index file in a directory, as the name that is looked up from now on. */
static bool name_index(struct story *story, const char *separator)
{
    struct slice file = story->policy.index_file;
    int len = snprintf(story->index_name, sizeof story->index_name, "%.*s%s%.*s",
                       (int)story->name.len, story->name.at, separator, (int)file.len, file.at);
    if (file.len == 0 || len < 0 || (size_t)len >= sizeof story->index_name) {
        return false;
    }
    story->name = slice_of(story->index_name);
    return true;
}

/* "/dir/" is its index file. */
static bool take_directory(struct story *story)
{
    if (!story->request->path.directory) {
        trace_add(story->trace, "it names no directory");
        return false;
    }
    if (!name_index(story, "")) {
        trace_add(story->trace, "it names a directory, and there are no index files (index_file)");
        return end_with_text(story, 404);
    }
    trace_add(story->trace, "its index file %s", story->index_name);
    return false;
}

static enum resource_verdict open_resource(struct story *story)
{
    return resource_open(&story->resource, story->site, story->mount, story->name, story->now,
                         &story->answer->fault, story->trace);
}

/* Whether the last segment of the target, as it was sent, is that of the path. A client resolves a
 * relative reference against what it has sent, where an encoded slash is none (RFC 3986 5.2). */
static bool ends_as_sent(const struct story *story)
{
    struct path sent;
    struct slice target = story->request->target;
    struct slice raw = slice_cut(&target, '?');
    const char *slash = raw.len > 0 ? memrchr(raw.at, '/', raw.len) : NULL;
    const struct path *path = &story->request->path;
    return !slash || (path_resolve(slice_from(raw, (size_t)(slash - raw.at)), &sent) == PATH_OK &&
                      slice_equal(slice_of(sent.text + 1),
                                  slice_behind_last((struct slice){path->text, path->len}, '/')));
}

/* "/dir" stands for "/dir/", and "/dir/index.html" too. */
static enum resource_verdict find_redirect(struct story *story, enum resource_verdict verdict)
{
    struct slice index_file = story->policy.index_file;
    if (index_file.len == 0 || story->request->path.directory || !ends_as_sent(story)) {
        return verdict;
    }
    if (verdict == RESOURCE_FOUND) {
        story->redirects = slice_equal(slice_behind_last(story->name, '/'), index_file);
    } else if (verdict != RESOURCE_UNAVAILABLE && name_index(story, "/")) {
        resource_close(&story->resource);
        enum resource_verdict index = open_resource(story);
        story->redirects = index == RESOURCE_FOUND;
        verdict = index == RESOURCE_UNAVAILABLE ? index : verdict;
    }
    return story->redirects ? RESOURCE_FOUND : verdict;
}

static bool take_resource(struct story *story)
{
    switch (find_redirect(story, open_resource(story))) {
    case RESOURCE_FOUND:
        return false;
    case RESOURCE_CLOSED:
        return end_with_text(story, 403);
    case RESOURCE_UNAVAILABLE:
        return end_unavailable(story, RETRY_FILE);
    case RESOURCE_MISSING:
    default:
        return end_with_text(story, 404);
    }
}

/* CORS preflight (Fetch 3.2) and OPTIONS of RFC 9110 9.3.7. */
static bool end_with_options(struct story *story)
{
    struct head *head = &story->answer->head;
    story->answer->status = 204;
    head_add_text(head, "Allow", METHOD_ALLOWED);
    head_add_text(head, "Cache-Control", "no-store");
    fields_add_nosniff(story);
    fields_add_policy(story);
    if (story->request->preflight && story->policy.allow_all_origins) {
        head_add_text(head, "Access-Control-Allow-Methods", METHOD_ALLOWED);
        head_add_text(head, "Access-Control-Allow-Headers", "*");
        head_add_text(head, "Access-Control-Max-Age", "86400");
    }
    return true;
}

static bool take_method(struct story *story)
{
    struct slice name = story->request->method;
    trace_add(story->trace, "%.*s", (int)name.len, name.at ? name.at : "");
    switch (story->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        return false;
    case METHOD_OPTIONS:
        return end_with_options(story);
    case METHOD_REFUSED:
        return end_with_refusal(story, 405);
    case METHOD_UNKNOWN:
    default:
        return end_with_refusal(story, 501);
    }
}

/* A relative reference (RFC 9110 10.2.2; RFC 3875 6.2.3 knows none, but web servers pass it on), so
 * that no target can lead to another host; as WhiteNoise, with the query. */
static bool take_redirect(struct story *story)
{
    const struct path *path = &story->request->path;
    struct slice query = story->request->query;
    struct slice last = slice_behind_last((struct slice){path->text, path->len}, '/');
    char location[LOCATION_SIZE];
    if (!story->redirects) {
        trace_add(story->trace, "none: this is the name itself");
        return false;
    }
    bool into = story->name.at == story->index_name;
    bool fits = uri_encode_path(into ? last : slice_of("."), location, sizeof location - 2);
    strcat(location, query.at ? "/?" : "/");
    size_t len = strlen(location);
    fits = fits && (!query.at || uri_encode_query(query, location + len, sizeof location - len));
    if (!fits) {
        return end_with_text(story, 414);
    }
    trace_add(story->trace, "to %s", location);
    head_add_text(&story->answer->head, "Location", location);
    fields_add_cors(story);
    return end_with_text(story, 302);
}

static bool take_variant(struct story *story)
{
    story->coding = variant_choose(&story->resource, story->request->accept_encoding, story->trace);
    if (story->coding != CODING_COUNT) {
        return false;
    }
    end_with_refusal(story, 406);
    head_set(&story->answer->head, slice_of("Vary"), slice_of("Accept-Encoding"));
    return true;
}

/* From the content where its hash is proven, so the same on every machine; else from the file's
 * time in nanoseconds and its size. */
static bool take_validators(struct story *story)
{
    const struct stat *status = &story_copy(story)->status;
    struct slice hash = story->resource.hash;
    const char *suffix = coding_tag_suffix(story->coding);
    if (hash.len > 0) {
        snprintf(story->tag, sizeof story->tag, "\"%.*s%s\"", (int)hash.len, hash.at, suffix);
    } else {
        uint64_t nanoseconds =
            (uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec;
        snprintf(story->tag, sizeof story->tag, "\"%" PRIx64 "-%" PRIx64 "%s\"", nanoseconds,
                 (uint64_t)status->st_size, suffix);
    }
    /* Image builders set 0 or 1: no date at all. Nor may one lie in the future (8.8.2.1). */
    int64_t modified = status->st_mtim.tv_sec;
    story->validators = (struct validators){.etag = slice_of(story->tag),
                                            .dated = modified > 1 && modified <= story->now,
                                            .modified = modified};
    trace_add(story->trace, "%s, %s", story->tag,
              hash.len > 0 ? "from the content" : "from the file's time and size");
    return false;
}

static void tell_conditions(struct story *story)
{
    const struct conditions *sent = &story->request->conditions;
    const struct {
        const char *name;
        struct slice value;
    } fields[] = {{"If-Match", sent->if_match},
                  {"If-Unmodified-Since", sent->if_unmodified_since},
                  {"If-None-Match", sent->if_none_match},
                  {"If-Modified-Since", sent->if_modified_since}};
    for (size_t i = 0; story->trace && i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].value.at) {
            trace_add(story->trace, "%s: %.*s", fields[i].name, (int)fields[i].value.len,
                      fields[i].value.at);
        }
    }
}

static bool take_conditions(struct story *story)
{
    tell_conditions(story);
    switch (condition_judge(&story->request->conditions, &story->validators, story->now)) {
    case CONDITION_NONE:
        trace_add(story->trace, "nothing stops the answer");
        return false;
    case CONDITION_NOT_MODIFIED:
        trace_add(story->trace, "the client has this variant already");
        story->answer->status = 304;
        fields_add_for_304(story);
        fields_apply_own(story);
        return true;
    case CONDITION_FAILED:
    default:
        trace_add(story->trace, "If-Match or If-Unmodified-Since does not hold");
        return end_about_variant(story, 412);
    }
}

static bool end_unsatisfiable(struct story *story)
{
    trace_add(story->trace, "nothing of it lies within the %" PRIu64 " bytes",
              (uint64_t)story_copy(story)->status.st_size);
    fields_add_content_range(story, NULL);
    head_add_text(&story->answer->head, "Accept-Ranges", "bytes");
    fields_add_last_modified(story);
    return end_about_variant(story, 416);
}

/* Range is defined for GET alone (RFC 9110 14.2). */
static bool take_range(struct story *story)
{
    const struct request *request = story->request;
    story->range_verdict = RANGE_WHOLE;
    if (!request->range.at || story->method != METHOD_GET) {
        trace_add(story->trace, "none");
        return false;
    }
    if (!condition_range_counts(&request->conditions, &story->validators, story->now)) {
        trace_add(story->trace, "If-Range is not about this variant: everything");
        return false;
    }
    story->range_verdict =
        range_parse(request->range, (uint64_t)story_copy(story)->status.st_size, &story->ranges);
    if (story->range_verdict == RANGE_UNSATISFIABLE) {
        return end_unsatisfiable(story);
    }
    if (story->range_verdict == RANGE_PARTS) {
        trace_add(story->trace, "%u part%s", story->ranges.count,
                  story->ranges.count == 1 ? "" : "s");
    } else {
        trace_add(story->trace, "none that can be answered in parts: everything");
    }
    return false;
}

/* ---- delivery ---- */

static void send_file(struct story *story)
{
    struct answer *answer = story->answer;
    head_add_number(&answer->head, "Content-Length", answer->body.length);
    if (story->method == METHOD_GET) {
        story->resource.copy[story->coding].fd = -1; /* the answer has it now */
    } else {
        answer->body = (struct body){.fd = -1};
    }
}

static void add_coding(struct story *story)
{
    if (coding_name(story->coding)) {
        head_add_text(&story->answer->head, "Content-Encoding", coding_name(story->coding));
    }
}

/* The page of an error that the web server answers: nothing about it may be stored or be asked for
 * again, so it has neither validators nor ranges. */
static bool take_error_page(struct story *story)
{
    struct answer *answer = story->answer;
    const struct copy *copy = story_copy(story);
    struct range whole = {.first = 0, .length = (uint64_t)copy->status.st_size};
    char type[MULTIPART_TYPE_SIZE];
    if (story->request->error_status == 0) {
        trace_add(story->trace, "none: it is asked for by a client");
        return false;
    }
    answer->status = story->request->error_status;
    answer->body = body_of_range(copy->fd, &whole);
    fields_content_type(story, type);
    head_add_text(&answer->head, "Content-Type", type);
    head_add_text(&answer->head, "Cache-Control", "no-store");
    fields_add_policy(story);
    fields_add_nosniff(story);
    fields_add_upload_policy(story);
    fields_apply_own(story);
    add_coding(story);
    send_file(story);
    return true;
}

/* A boundary that nobody who wrote the file could foresee. */
static bool make_parts(struct story *story)
{
    uint64_t seed;
    char type[MULTIPART_TYPE_SIZE];
    fields_content_type(story, type);
    return getrandom(&seed, sizeof seed, 0) == sizeof seed &&
           multipart_make(&story->answer->parts, &story->ranges,
                          (uint64_t)story_copy(story)->status.st_size, slice_of(type), seed);
}

/* The body, and the fields that frame it. */
static void add_body(struct story *story)
{
    struct answer *answer = story->answer;
    const struct copy *copy = story_copy(story);
    struct range whole = {.first = 0, .length = (uint64_t)copy->status.st_size};
    char type[MULTIPART_TEXT_SIZE];
    answer->status = story->range_verdict == RANGE_PARTS ? 206 : 200;
    answer->body = body_of_range(copy->fd, answer->status == 206 ? &story->ranges.part[0] : &whole);
    if (answer->status == 206 && story->ranges.count == 1) {
        fields_add_content_range(story, &story->ranges.part[0]);
    } else if (answer->status == 206) {
        answer->body = body_of_parts(copy->fd, &answer->parts);
        multipart_content_type(&answer->parts, type);
        head_set(&answer->head, slice_of("Content-Type"), slice_of(type));
    }
    add_coding(story);
    send_file(story);
}

static bool take_delivery(struct story *story)
{
    struct answer *answer = story->answer;
    bool several = story->range_verdict == RANGE_PARTS && story->ranges.count > 1;
    if (several && !make_parts(story)) {
        story->range_verdict = RANGE_WHOLE;
    }
    answer->delivery = hand_back_choose(story);
    answer->status = 200;
    fields_add_representation(story);
    fields_apply_own(story);
    if (answer->delivery == DELIVERY_BODY) {
        add_body(story);
    } else {
        hand_back_set_fields(story, answer->delivery);
    }
    return true;
}

/* A step decides what it is named for; true: the answer is complete. */
static const struct step {
    const char *name;
    bool (*take)(struct story *);
    const char *why;
} steps[] = {
    {"settings", take_settings, "without good settings nothing can be promised"},
    {"target", take_target, "what was asked, decoded once, inside the site"},
    {"mount", take_mount, "which directory and policy answer for it"},
    {"directory", take_directory, "a directory is answered by its index file, where that is on"},
    {"resource", take_resource, "the catalog first, then the live tree: whole, and proven"},
    {"method", take_method, "after the target: a missing name is 404 whatever the method"},
    {"redirect", take_redirect, "the one URL of an index file is that of its directory"},
    {"variant", take_variant, "the coding that the client weighs highest"},
    {"page", take_error_page, "a file may be the page of an error (ErrorDocument)"},
    {"validators", take_validators, "they belong to the variant"},
    {"conditions", take_conditions, "RFC 9110 13.2.2, before any range"},
    {"range", take_range, "on the bytes of the variant"},
    {"delivery", take_delivery, "hand back, or send"},
};

static void clear(struct answer *answer)
{
    answer->status = 0;
    answer->delivery = DELIVERY_BODY;
    answer->text = (struct slice){0};
    answer->body = (struct body){.fd = -1};
    head_clear(&answer->head);
}

void answer_make(struct answer *answer, const struct site *site, const struct request *request,
                 int64_t now)
{
    answer_explain(answer, site, request, now, NULL);
}

void answer_explain(struct answer *answer, const struct site *site, const struct request *request,
                    int64_t now, struct trace *trace)
{
    struct story story = {
        .site = site, .request = request, .now = now, .answer = answer, .trace = trace};
    bool complete = false;
    clear(answer);
    answer->fault.number = NO_DIAGNOSIS;
    for (int i = 0; i < CODING_COUNT; i++) {
        story.resource.copy[i].fd = -1;
    }
    story.method = method_parse(request->method);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !complete; i++) {
        trace_begin(trace, steps[i].name, steps[i].why);
        complete = steps[i].take(&story);
    }
    if (answer->head.overflow) {
        answer_close(answer);
        clear(answer);
        end_with_text(&story, 500);
        error_set(&answer->fault, HB_HEAD_TOO_LONG,
                  "%.*s: the header of an answer would be longer than %d bytes: is it `headers`?",
                  (int)story.policy.url.len, story.policy.url.at ? story.policy.url.at : "",
                  HEAD_SIZE);
    }
    resource_close(&story.resource);
}

void answer_make_unavailable(struct answer *answer)
{
    struct story story = {.answer = answer, .method = METHOD_GET};
    answer_close(answer);
    clear(answer);
    end_unavailable(&story, RETRY_FILE);
}

void answer_close(struct answer *answer)
{
    if (answer->body.fd >= 0) {
        close(answer->body.fd);
        answer->body.fd = -1;
    }
}
