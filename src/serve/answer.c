#include "serve/answer.h"

#include "http/date.h"
#include "http/etag.h"
#include "http/media.h"
#include "http/method.h"
#include "http/range.h"
#include "serve/resource.h"
#include "serve/variant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_AGE_IMMUTABLE = 315360000, /* ten years, as WhiteNoise says "for ever" */
    RETRY_SETTINGS = 5,            /* seconds */
    RETRY_FILE = 2,
    TAG_SIZE = 64,
};

/* Everything that the steps find out on the way. */
struct story {
    const struct site *site;
    const struct request *request;
    int64_t now;
    struct answer *answer;
    enum method method;
    uint32_t mount;
    struct slice name;
    struct catalog_mount policy;
    struct resource resource;
    enum coding coding;
    char tag[TAG_SIZE];
    struct validators validators;
    enum range_verdict range_verdict;
    struct range range;
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
        {304, "304 Not Modified"},
        {400, "400 Bad Request"},
        {403, "403 Forbidden"},
        {404, "404 Not Found"},
        {405, "405 Method Not Allowed"},
        {406, "406 Not Acceptable"},
        {412, "412 Precondition Failed"},
        {414, "414 URI Too Long"},
        {416, "416 Range Not Satisfiable"},
        {501, "501 Not Implemented"},
        {503, "503 Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].status == status) {
            return slice_of(lines[i].line);
        }
    }
    return slice_of("500 Internal Server Error");
}

/* ---- header fields ---- */

static void add_nosniff(struct story *story)
{
    head_add_text(&story->answer->head, "X-Content-Type-Options", "nosniff");
}

/* What belongs to the resource whatever the status is: CORS, and Vary where a variant exists. */
static void add_policy(struct story *story)
{
    if (story->policy.allow_all_origins) {
        head_add_text(&story->answer->head, "Access-Control-Allow-Origin", "*");
    }
    if (variant_varies(&story->resource)) {
        head_add_text(&story->answer->head, "Vary", "Accept-Encoding");
    }
}

/* Nobody's upload is a page or a script of the site (RFC 6266, CSP sandbox). */
static void add_upload_policy(struct story *story)
{
    if (story->policy.media && media_is_active(story->resource.type)) {
        head_add_text(&story->answer->head, "Content-Disposition", "attachment");
        head_add_text(&story->answer->head, "Content-Security-Policy",
                      "default-src 'none'; sandbox");
    }
}

static void add_cache_control(struct story *story)
{
    char value[64];
    const char *audience = story->resource.suspect ? "private" : "public";
    if (story->resource.immutable) {
        snprintf(value, sizeof value, "max-age=%d, public, immutable", MAX_AGE_IMMUTABLE);
    } else if (story->policy.max_age_sent) {
        snprintf(value, sizeof value, "max-age=%" PRIu32 ", %s", story->policy.max_age, audience);
    } else if (story->resource.suspect) {
        snprintf(value, sizeof value, "%s", audience);
    } else {
        return;
    }
    head_add_text(&story->answer->head, "Cache-Control", value);
}

static void add_last_modified(struct story *story)
{
    char date[DATE_SIZE];
    if (story->validators.dated) {
        date_write(story->validators.modified, date);
        head_add_text(&story->answer->head, "Last-Modified", date);
    }
}

static void add_content_type(struct story *story)
{
    char value[256];
    struct slice type = story->resource.type, charset = story->policy.charset;
    if (media_has_charset(type) && type.len + charset.len < sizeof value - 16) {
        snprintf(value, sizeof value, "%.*s; charset=%.*s", (int)type.len, type.at,
                 (int)charset.len, charset.at);
        type = slice_of(value);
    }
    head_add(&story->answer->head, "Content-Type", type);
}

static void add_content_range(struct story *story, uint64_t size)
{
    char value[80];
    if (story->answer->status == 416) {
        snprintf(value, sizeof value, "bytes */%" PRIu64, size);
    } else {
        snprintf(value, sizeof value, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, story->range.first,
                 story->range.first + story->range.length - 1, size);
    }
    head_add_text(&story->answer->head, "Content-Range", value);
}

/* ---- endings ---- */

/* An answer whose body is a line of text that names nothing of ours: never stored, and the same for
 * HEAD but for the body. */
static bool end_with_error(struct story *story, int status)
{
    struct answer *answer = story->answer;
    answer->status = status;
    answer->text = answer_status_line(status);
    head_add_text(&answer->head, "Content-Type", "text/plain; charset=utf-8");
    head_add_number(&answer->head, "Content-Length", answer->text.len + 1);
    head_add_text(&answer->head, "Cache-Control", "no-store");
    add_nosniff(story);
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
    return end_with_error(story, 503);
}

/* ---- the steps, in the order in which they are taken ---- */

static bool take_settings(struct story *story)
{
    return !story->site && end_unavailable(story, RETRY_SETTINGS);
}

static bool take_target(struct story *story)
{
    switch (story->request->path_verdict) {
    case PATH_OK:
        return false;
    case PATH_OUTSIDE:
        return end_with_error(story, 404);
    case PATH_TOO_LONG:
        return end_with_error(story, 414);
    case PATH_MALFORMED:
    default:
        return end_with_error(story, 400);
    }
}

static bool take_mount(struct story *story)
{
    struct slice path = {story->request->path.text, story->request->path.len};
    if (!catalog_find_mount(&story->site->catalog, path, &story->mount, &story->name) ||
        story->request->path.directory) {
        return end_with_error(story, 404);
    }
    story->policy = catalog_mount(&story->site->catalog, story->mount);
    return false;
}

static bool take_resource(struct story *story)
{
    switch (resource_open(&story->resource, story->site, story->mount, story->name, story->now,
                          &story->answer->fault)) {
    case RESOURCE_FOUND:
        return false;
    case RESOURCE_CLOSED:
        return end_with_error(story, 403);
    case RESOURCE_UNAVAILABLE:
        return end_unavailable(story, RETRY_FILE);
    case RESOURCE_MISSING:
    default:
        return end_with_error(story, 404);
    }
}

/* CORS preflight (Fetch 3.2) and OPTIONS of RFC 9110 9.3.7. */
static bool end_with_options(struct story *story)
{
    struct head *head = &story->answer->head;
    story->answer->status = 204;
    head_add_text(head, "Allow", METHOD_ALLOWED);
    head_add_text(head, "Cache-Control", "no-store");
    add_nosniff(story);
    add_policy(story);
    if (story->request->preflight && story->policy.allow_all_origins) {
        head_add_text(head, "Access-Control-Allow-Methods", METHOD_ALLOWED);
        head_add_text(head, "Access-Control-Allow-Headers", "*");
        head_add_text(head, "Access-Control-Max-Age", "86400");
    }
    return true;
}

/* After the target: a missing name is a 404 whatever the method. */
static bool take_method(struct story *story)
{
    switch (story->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        return false;
    case METHOD_OPTIONS:
        return end_with_options(story);
    case METHOD_REFUSED:
        add_policy(story);
        return end_with_error(story, 405);
    case METHOD_UNKNOWN:
    default:
        add_policy(story);
        return end_with_error(story, 501);
    }
}

static bool take_variant(struct story *story)
{
    story->coding = variant_choose(&story->resource, story->request->accept_encoding);
    if (story->coding == CODING_COUNT) {
        add_policy(story);
        return end_with_error(story, 406);
    }
    return false;
}

static const struct copy *chosen_copy(const struct story *story)
{
    return &story->resource.copy[story->coding];
}

/* From the content where its hash is proven, so the same on every machine; else from the file's
 * time in nanoseconds and its size. */
static bool take_validators(struct story *story)
{
    const struct stat *status = &chosen_copy(story)->status;
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
    /* Image builders set 0 or 1: no date at all. */
    story->validators = (struct validators){.etag = slice_of(story->tag),
                                            .dated = status->st_mtim.tv_sec > 1,
                                            .modified = status->st_mtim.tv_sec};
    return false;
}

static bool take_conditions(struct story *story)
{
    struct head *head = &story->answer->head;
    switch (condition_judge(&story->request->conditions, &story->validators, story->now)) {
    case CONDITION_NONE:
        return false;
    case CONDITION_NOT_MODIFIED:
        story->answer->status = 304;
        head_add(head, "ETag", story->validators.etag);
        add_cache_control(story);
        add_policy(story);
        add_nosniff(story);
        add_upload_policy(story);
        return true;
    case CONDITION_FAILED:
    default:
        head_add(head, "ETag", story->validators.etag);
        add_policy(story);
        return end_with_error(story, 412);
    }
}

/* Range is defined for GET alone (RFC 9110 14.2). */
static bool take_range(struct story *story)
{
    const struct request *request = story->request;
    uint64_t size = (uint64_t)chosen_copy(story)->status.st_size;
    story->range_verdict = RANGE_WHOLE;
    if (story->method == METHOD_GET && request->range.at &&
        condition_range_counts(&request->conditions, &story->validators, story->now)) {
        story->range_verdict = range_parse(request->range, size, &story->range);
    }
    if (story->range_verdict != RANGE_UNSATISFIABLE) {
        return false;
    }
    story->answer->status = 416;
    add_content_range(story, size);
    head_add_text(&story->answer->head, "Accept-Ranges", "bytes");
    head_add(&story->answer->head, "ETag", story->validators.etag);
    add_last_modified(story);
    add_policy(story);
    return end_with_error(story, 416);
}

/* ---- delivery ---- */

/* mod_xsendfile does not decode the path that it is given. */
static bool path_is_simple(const char *path)
{
    return path[strspn(
               path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")] == '\0';
}

static bool is_date(struct slice field, int64_t now)
{
    int64_t date;
    return date_parse(field, now, &date);
}

/* Whether Apache reads every precondition as we did when it looks at them again: it takes dates
 * with anything behind them, stops at a weak tag in If-Match, and finds tags in lists that are
 * none. */
static bool apache_reads_alike(const struct conditions *sent, struct slice tag, int64_t now)
{
    bool dated_range = sent->if_range.len > 0 && sent->if_range.at[0] != '"' &&
                       !slice_starts(sent->if_range, slice_of("W/"));
    return !sent->if_unmodified_since.at &&
           !(sent->if_match.at && memmem(sent->if_match.at, sent->if_match.len, "W/", 2)) &&
           !(sent->if_none_match.at &&
             etag_find(sent->if_none_match, tag, ETAG_WEAK) == ETAG_INVALID) &&
           !(sent->if_modified_since.at && !is_date(sent->if_modified_since, now)) &&
           !(dated_range && !is_date(sent->if_range, now));
}

/* What Apache would decide otherwise than we did, after a hand-back: these answers are sent whole.
 * A file without a date gets one from mod_xsendfile. */
static bool apache_would_differ(const struct story *story)
{
    const struct request *request = story->request;
    return story->method != METHOD_GET || !story->validators.dated ||
           !apache_reads_alike(&request->conditions, story->validators.etag, story->now) ||
           (request->range.at && !range_is_ordinary(request->range));
}

static bool hands_back(struct story *story)
{
    struct error *fault = &story->answer->fault;
    struct slice announced = story->request->delivery;
    enum delivery delivery = catalog_site(&story->site->catalog).delivery;
    if (announced.len > 0) {
        delivery = delivery_of(announced);
    }
    if (delivery == DELIVERY_COUNT) {
        error_set(
            fault, HB_DELIVERY_UNKNOWN,
            "HANDBACK_DELIVERY %.*s is not known: bodies are sent; correct the web server's SetEnv",
            (int)announced.len, announced.at);
    }
    return delivery == DELIVERY_X_SENDFILE && !apache_would_differ(story);
}

/* Whether the web server would open the very file that we have open: the root may be a link that
 * was flipped a moment ago, and collectstatic deletes files and writes them anew. What somebody has
 * just written may be written again, so it is sent from the descriptor that we hold. */
static bool is_same_behind(const char *path, const struct stat *ours, int64_t now)
{
    struct stat theirs;
    return stat(path, &theirs) == 0 && theirs.st_ino == ours->st_ino &&
           theirs.st_dev == ours->st_dev && theirs.st_size == ours->st_size &&
           !finding_is_in_motion(&theirs, now);
}

/* Adds the fields that hand the file back; false when it has to be sent as a body after all. */
static bool add_hand_back(struct story *story)
{
    char path[2 * PATH_SIZE + 16], coding_header[64];
    struct head *head = &story->answer->head;
    struct slice root = story->policy.root;
    struct slice announced = story->request->coding_header;
    const char *coding = coding_name(story->coding);
    if (announced.len == 0) {
        announced = catalog_site(&story->site->catalog).coding_header;
    }
    snprintf(path, sizeof path, "%.*s/%s", (int)root.len, root.at, chosen_copy(story)->path);
    if (!path_is_simple(path) ||
        (coding && (!head_is_token(announced) ||
                    !slice_copy(announced, coding_header, sizeof coding_header)))) {
        error_set(&story->answer->fault, HB_SENT_AS_BODY, "%.*s%.*s: sent as a body: %s",
                  (int)story->policy.url.len, story->policy.url.at, (int)story->name.len,
                  story->name.at,
                  coding ? "HANDBACK_CODING_HEADER names no header field, or its path is not of "
                           "A-Za-z0-9._/-"
                         : "its path is not of A-Za-z0-9._/-");
        return false;
    }
    if (!is_same_behind(path, &chosen_copy(story)->status, story->now)) {
        return false;
    }
    if (coding) {
        head_add_text(head, coding_header, coding);
    }
    head_add_text(head, "X-Sendfile", path);
    return true;
}

static void add_representation(struct story *story)
{
    add_content_type(story);
    head_add(&story->answer->head, "ETag", story->validators.etag);
    add_last_modified(story);
    add_cache_control(story);
    add_policy(story);
    add_nosniff(story);
    add_upload_policy(story);
    head_add_text(&story->answer->head, "Accept-Ranges", "bytes");
}

static bool take_delivery(struct story *story)
{
    struct answer *answer = story->answer;
    struct copy *copy = &story->resource.copy[story->coding];
    uint64_t size = (uint64_t)copy->status.st_size;
    add_representation(story);
    answer->status = 200;
    if (hands_back(story) && add_hand_back(story)) {
        return true;
    }
    answer->length = size;
    if (story->range_verdict == RANGE_ONE) {
        answer->status = 206;
        answer->offset = story->range.first;
        answer->length = story->range.length;
        add_content_range(story, size);
    }
    if (coding_name(story->coding)) {
        head_add_text(&answer->head, "Content-Encoding", coding_name(story->coding));
    }
    head_add_number(&answer->head, "Content-Length", answer->length);
    if (story->method == METHOD_GET) {
        answer->fd = copy->fd;
        copy->fd = -1;
    }
    return true;
}

/* A step decides what it is named for; true: the answer is complete. */
static bool (*const steps[])(struct story *) = {
    take_settings, /* without good settings nothing can be promised */
    take_target,   /* what was asked, decoded once, inside the site */
    take_mount,    /* which directory and policy answer for it */
    take_resource, /* the catalog first, then the live tree: whole, and with what its bytes prove */
    take_method,   /* a missing name is a 404 whatever the method */
    take_variant,  /* the coding that the client weighs highest */
    take_validators, /* they belong to the variant */
    take_conditions, /* RFC 9110 13.2.2, before any range */
    take_range,      /* on the bytes of the variant */
    take_delivery,   /* hand back, or send */
};

static void clear(struct answer *answer)
{
    answer->status = 0;
    answer->text = (struct slice){0};
    answer->fd = -1;
    answer->offset = answer->length = 0;
    head_clear(&answer->head);
}

void answer_make(struct answer *answer, const struct site *site, const struct request *request,
                 int64_t now)
{
    struct story story = {.site = site, .request = request, .now = now, .answer = answer};
    clear(answer);
    answer->fault.number = NO_DIAGNOSIS;
    for (int i = 0; i < CODING_COUNT; i++) {
        story.resource.copy[i].fd = -1;
    }
    story.method = method_parse(request->method);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !steps[i](&story); i++) {
    }
    if (answer->head.overflow) {
        answer_close(answer);
        clear(answer);
        end_with_error(&story, 500);
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
    if (answer->fd >= 0) {
        close(answer->fd);
        answer->fd = -1;
    }
}
