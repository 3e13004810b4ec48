#include "serve/hand_back.h"

#include "base/place.h"
#include "http/date.h"
#include "http/etag.h"
#include "http/uri.h"
#include "serve/fields.h"

#include <stdio.h>
#include <string.h>

enum {
    SERVER_PATH_SIZE = 2 * PATH_SIZE,
    QUERY_SIZE = MULTIPART_TYPE_SIZE + TAG_SIZE + 32,
    URL_SIZE = HEAD_SIZE,
    CODING_HEADER_SIZE = 128
};

static enum delivery wanted(struct story *story)
{
    struct error *fault = &story->answer->fault;
    struct slice announced = story->request->delivery;
    enum delivery delivery =
        announced.len > 0 ? delivery_of(announced) : story->site->hand_back.delivery;
    if (delivery == DELIVERY_COUNT) {
        error_set(fault, HB_DELIVERY_UNKNOWN,
                  "HANDBACK_DELIVERY %.*s is not known: bodies are sent; correct the web server's "
                  "SetEnv",
                  (int)announced.len, announced.at);
        return DELIVERY_BODY;
    }
    if (delivery == DELIVERY_LOCAL_REDIRECT && !story->request->front.spawned) {
        error_set(fault, HB_NO_LOCAL_REDIRECT,
                  "a server that did not start this program (mod_proxy_fcgi) follows no local "
                  "redirect: bodies are sent; set another delivery");
        return DELIVERY_BODY;
    }
    return delivery;
}

static bool find_coding_header(const struct story *story, char name[CODING_HEADER_SIZE])
{
    struct slice announced = story->request->coding_header;
    struct slice header = announced.len > 0 ? announced : story->site->hand_back.coding_header;
    return coding_is_header(header) && slice_copy(header, name, CODING_HEADER_SIZE);
}

/* ---- what every server would do to a 200 of ours ---- */

static bool is_date(struct slice field, int64_t now)
{
    int64_t date;
    return date_parse(field, now, &date);
}

static bool is_dated_range(struct slice if_range)
{
    return if_range.at && !slice_starts(if_range, slice_of("\"")) &&
           !slice_starts(if_range, slice_of("W/"));
}

/* Servers look at the preconditions again. They know no tag of ours, or take dates with anything
 * behind them, or find tags in lists that are none. */
static const char *find_other_judgement(const struct story *story)
{
    const struct conditions *sent = &story->request->conditions;
    if (sent->if_match.at || sent->if_unmodified_since.at) {
        return "servers judge If-Match and If-Unmodified-Since again, without our tag";
    }
    if (sent->if_none_match.at &&
        etag_find(sent->if_none_match, story->validators.etag, ETAG_WEAK) == ETAG_INVALID) {
        return "If-None-Match is no list of tags, and servers find some in it";
    }
    if ((sent->if_modified_since.at && !is_date(sent->if_modified_since, story->now)) ||
        (is_dated_range(sent->if_range) && !is_date(sent->if_range, story->now))) {
        return "a date is none, and servers read one in it";
    }
    return NULL;
}

static const char *find_other_range(const struct story *story)
{
    struct slice range = story->request->range;
    if (!range.at) {
        return NULL;
    }
    if (!range_is_ordinary(range)) {
        return "servers read this Range otherwise";
    }
    return story->coding != CODING_IDENTITY ? "not every server takes a range of a coded variant"
                                            : NULL;
}

/* Why the answer would not be the same; NULL: it would. */
static const char *find_difference(const struct story *story, enum delivery delivery)
{
    if (story_copy(story)->place == PLACE_DIRS) {
        return "it lies in one of `dirs`, which the web server does not know";
    }
    if (story->method != METHOD_GET) {
        return "there is no body to send";
    }
    if (!story->validators.dated) {
        return "the file has no date, and servers would send one";
    }
    if (delivery == DELIVERY_LOCAL_REDIRECT && story->resource.hash.len == 0) {
        return "no hash of its name proves its bytes";
    }
    const char *difference = find_other_judgement(story);
    return difference ? difference : find_other_range(story);
}

/* ---- what cannot be handed back, though the operator wants it ---- */

/* mod_xsendfile and lighttpd do not agree on how a path is written. */
static bool is_simple(const char *text)
{
    return text[strspn(
               text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")] == '\0';
}

/* The directory in which the file lies. */
static const char *find_place(const struct story *story)
{
    return story_copy(story)->place == PLACE_POOL ? story->site->pool_path
                                                  : story->site->path[story->mount];
}

/* The pool as it is reached from the root of a mount; false when it lies elsewhere. */
static bool find_pool_below_root(const struct story *story, uint32_t mount,
                                 char path[SERVER_PATH_SIZE])
{
    return place_below(story->site->pool_path, story->site->path[mount], path,
                       SERVER_PATH_SIZE - 1);
}

/* The file's name in the file system of the web server. */
static bool find_server_path(const struct story *story, char path[SERVER_PATH_SIZE])
{
    char pool[SERVER_PATH_SIZE] = "";
    struct slice root = slice_of(find_place(story));
    if (story->policy.delivery_root.len > 0) {
        root = story->policy.delivery_root;
        if (story_copy(story)->place == PLACE_POOL) {
            if (!find_pool_below_root(story, story->mount, pool)) {
                return false;
            }
            strcat(pool, "/");
        }
    }
    int len = snprintf(path, SERVER_PATH_SIZE, "%.*s/%s%s%s", (int)root.len, root.at, pool,
                       story->resource.path, story_copy(story)->suffix);
    return len > 0 && len < SERVER_PATH_SIZE;
}

static const char *find_fault_of_sendfile(const struct story *story)
{
    char path[SERVER_PATH_SIZE];
    if (!find_server_path(story, path)) {
        return "delivery_root does not say where the web server sees the pool, outside the root";
    }
    if (!is_simple(path)) {
        return "its path is not of A-Za-z0-9._/-";
    }
    char name[CODING_HEADER_SIZE];
    if (coding_name(story->coding) && !find_coding_header(story, name)) {
        return "HANDBACK_CODING_HEADER names no header field";
    }
    return NULL;
}

/* Whether a value needs no encoding in a query, in which expressions of Apache could not undo it.
 */
static bool is_plain_value(const char *value)
{
    return value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "!$^_.+/-")] == '\0';
}

/* Content-Type as the query of a local redirect, from which the target's configuration restores
 * it. */
static bool write_query(const struct story *story, char query[QUERY_SIZE])
{
    char type[MULTIPART_TYPE_SIZE];
    fields_content_type(story, type);
    char *charset = strstr(type, "; charset=");
    if (charset) {
        *charset = '\0';
        charset += strlen("; charset=");
    }
    snprintf(query, QUERY_SIZE, "?type=%s%s%s&etag=%.*s", type, charset ? "&charset=" : "",
             charset ? charset : "", (int)story->validators.etag.len - 2,
             story->validators.etag.at + 1);
    return is_plain_value(type) && (!charset || is_plain_value(charset));
}

/* The internal URL under which the pool is found: below that of the mount in whose root it lies;
 * one outside all roots is expected where the one inside would be. */
static bool find_pool_url(const struct story *story, char url[URL_SIZE])
{
    char pool[SERVER_PATH_SIZE] = ".handback/pool";
    struct slice prefix = story->policy.delivery_url;
    for (uint32_t i = 0; i < story->site->mounts; i++) {
        char below[SERVER_PATH_SIZE];
        if (find_pool_below_root(story, i, below)) {
            prefix = story->site->mount[i].delivery_url;
            strcpy(pool, below);
        }
    }
    int len = snprintf(url, URL_SIZE, "%.*s%s/", (int)prefix.len, prefix.at, pool);
    return prefix.len > 0 && len > 0 && len < URL_SIZE;
}

/* The internal URL of the file; false when it does not fit, or nothing of the web server leads
 * there.
 */
static bool write_url(const struct story *story, enum delivery delivery, char url[URL_SIZE])
{
    char path[URL_SIZE], place[URL_SIZE], query[QUERY_SIZE] = "";
    struct slice prefix = story->policy.delivery_url;
    if (story_copy(story)->place == PLACE_POOL) {
        if (!find_pool_url(story, place)) {
            return false;
        }
        prefix = slice_of(place);
    }
    int len = snprintf(path, sizeof path, "%.*s%s%s", (int)prefix.len, prefix.at,
                       story->resource.path, story_copy(story)->suffix);
    if (len < 0 || (size_t)len >= sizeof path ||
        !uri_encode_path(slice_of(path), url, URL_SIZE - QUERY_SIZE) ||
        (delivery == DELIVERY_LOCAL_REDIRECT && !write_query(story, query))) {
        return false;
    }
    strcat(url, query);
    return true;
}

static const char *find_fault_of_redirect(const struct story *story, enum delivery delivery)
{
    char url[URL_SIZE];
    if (story->policy.delivery_url.len == 0) {
        return "delivery_url (HANDBACK_DELIVERY_URL) is not set for its mount";
    }
    if (delivery == DELIVERY_X_ACCEL_REDIRECT && fields_has_foreign(story)) {
        return "nginx drops the field that `headers` adds";
    }
    return write_url(story, delivery, url) ? NULL : "its path or type cannot be told in a URL";
}

/* Whether a directory between its place and the file keeps others out. */
static bool is_closed_below_place(const struct story *story)
{
    char part[PATH_SIZE];
    struct stat status;
    const char *path = story->resource.path;
    int directory = story_copy(story)->place == PLACE_POOL ? story->site->pool
                                                           : story->site->root[story->mount];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (!slice_copy((struct slice){path, (size_t)(slash - path)}, part, sizeof part) ||
            fstatat(directory, part, &status, 0) != 0 || !(status.st_mode & S_IXOTH)) {
            return true;
        }
    }
    return false;
}

/* Another user's process is to open the file: what is not for others may be closed to it. */
static const char *find_fault_of_mode(const struct story *story)
{
    if (story->request->front.same_user) {
        return NULL;
    }
    if (!(story_copy(story)->status.st_mode & S_IROTH)) {
        return "others may not read it, so perhaps the web server neither (chmod o+r)";
    }
    bool closed = story_copy(story)->place == PLACE_POOL ? story->site->pool_closed
                                                         : story->site->closed[story->mount];
    return closed || is_closed_below_place(story)
               ? "others may not enter one of its directories, so perhaps the web server neither "
                 "(chmod o+x)"
               : NULL;
}

/* What could be mended; NULL: nothing. */
static const char *find_fault(const struct story *story, enum delivery delivery)
{
    const char *fault = find_fault_of_mode(story);
    if (fault) {
        return fault;
    }
    return delivery == DELIVERY_X_SENDFILE ? find_fault_of_sendfile(story)
                                           : find_fault_of_redirect(story, delivery);
}

/* Whether the web server would open the very file that we have open: the root may be a link that
 * was flipped a moment ago, and collectstatic deletes files and writes them anew. What somebody has
 * just written may be written again, so it is sent from the descriptor that we hold. */
static bool is_same_behind(const struct story *story)
{
    char path[SERVER_PATH_SIZE];
    struct stat theirs;
    const struct stat *ours = &story_copy(story)->status;
    int len = snprintf(path, sizeof path, "%s/%s%s", find_place(story), story->resource.path,
                       story_copy(story)->suffix);
    return len > 0 && len < SERVER_PATH_SIZE && stat(path, &theirs) == 0 &&
           theirs.st_ino == ours->st_ino && theirs.st_dev == ours->st_dev &&
           theirs.st_size == ours->st_size && theirs.st_mtim.tv_sec == ours->st_mtim.tv_sec &&
           theirs.st_mtim.tv_nsec == ours->st_mtim.tv_nsec &&
           (story_copy(story)->proven || !finding_is_in_motion(&theirs, story->now));
}

enum delivery hand_back_choose(struct story *story)
{
    enum delivery delivery = wanted(story);
    const char *reason = delivery == DELIVERY_BODY ? "nobody announced or set another delivery"
                                                   : find_difference(story, delivery);
    if (!reason && (reason = find_fault(story, delivery))) {
        error_set(&story->answer->fault, HB_SENT_AS_BODY, "%.*s%.*s: sent as a body: %s",
                  (int)story->policy.url.len, story->policy.url.at, (int)story->name.len,
                  story->name.at, reason);
    }
    if (!reason && !is_same_behind(story)) {
        reason = "the file under this name is being replaced";
    }
    trace_add(story->trace, "%s: %s", reason ? "body" : delivery_name(delivery),
              reason ? reason : "the web server opens the very file that was looked at");
    return reason ? DELIVERY_BODY : delivery;
}

static void add_sendfile(struct story *story)
{
    char path[SERVER_PATH_SIZE], name[CODING_HEADER_SIZE];
    const char *coding = coding_name(story->coding);
    if (coding && find_coding_header(story, name)) {
        head_add_text(&story->answer->head, name, coding);
    }
    story->answer->head.overflow |= !find_server_path(story, path);
    head_add_text(&story->answer->head, "X-Sendfile", path);
}

static void add_redirect(struct story *story, enum delivery delivery)
{
    char url[URL_SIZE];
    struct head *head = &story->answer->head;
    const char *coding = coding_name(story->coding);
    if (coding) {
        head_add_text(head, "Content-Encoding", coding);
    }
    head->overflow |= !write_url(story, delivery, url);
    head_add_text(head, delivery == DELIVERY_LOCAL_REDIRECT ? "Location" : "X-Accel-Redirect", url);
}

void hand_back_set_fields(struct story *story, enum delivery delivery)
{
    struct head *head = &story->answer->head;
    if (delivery == DELIVERY_X_SENDFILE) {
        add_sendfile(story);
        return;
    }
    /* With validators Apache would answer 304 to what it is to follow inside. */
    if (delivery == DELIVERY_LOCAL_REDIRECT) {
        head_remove(head, slice_of("ETag"));
        head_remove(head, slice_of("Last-Modified"));
    }
    /* Both servers add it themselves, but nginx not beside a range. */
    if (delivery == DELIVERY_LOCAL_REDIRECT || story->range_verdict != RANGE_PARTS) {
        head_remove(head, slice_of("Accept-Ranges"));
    }
    add_redirect(story, delivery);
}
