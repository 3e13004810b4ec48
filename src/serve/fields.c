#include "serve/fields.h"

#include "catalog/glob.h"
#include "http/date.h"
#include "http/disposition.h"
#include "http/field.h"
#include "http/media.h"
#include "serve/variant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CSP "Content-Security-Policy"

enum {
    MAX_AGE_IMMUTABLE = 315360000 /* ten years, as WhiteNoise says "for ever" */
};

/* ---- `headers`: a mount's own fields ---- */

static bool take_own(const struct story *story, uint32_t index, struct catalog_field *field)
{
    return catalog_field(&story->site->policy, &story->policy, index, field) &&
           glob_matches(field->glob, story->name);
}

/* The last one of a name. */
static bool find_own(const struct story *story, const char *name, struct catalog_field *found)
{
    struct catalog_field field;
    bool any = false;
    for (uint32_t i = 0; i < story->policy.fields; i++) {
        if (take_own(story, i, &field) && slice_equal_nocase(field.name, name)) {
            *found = field;
            any = true;
        }
    }
    return any;
}

/* ---- ours ---- */

void fields_add_nosniff(struct story *story)
{
    head_add_text(&story->answer->head, "X-Content-Type-Options", "nosniff");
}

void fields_add_cors(struct story *story)
{
    if (story->policy.allow_all_origins) {
        head_add_text(&story->answer->head, "Access-Control-Allow-Origin", "*");
    }
}

void fields_add_policy(struct story *story)
{
    fields_add_cors(story);
    if (variant_varies(&story->resource)) {
        head_add_text(&story->answer->head, "Vary", "Accept-Encoding");
    }
}

void fields_add_upload_policy(struct story *story)
{
    char disposition[DISPOSITION_SIZE], type[MULTIPART_TYPE_SIZE];
    fields_content_type(story, type);
    if (story->policy.kind == MOUNT_MEDIA && media_is_active(slice_of(type))) {
        disposition_attachment(slice_behind_last(story->name, '/'), disposition);
        head_add_text(&story->answer->head, "Content-Disposition", disposition);
        head_add_text(&story->answer->head, CSP, "default-src 'none'; sandbox");
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

void fields_add_last_modified(struct story *story)
{
    char date[DATE_SIZE];
    if (story->validators.dated) {
        date_write(story->validators.modified, date);
        head_add_text(&story->answer->head, "Last-Modified", date);
    }
}

void fields_content_type(const struct story *story, char type[MULTIPART_TYPE_SIZE])
{
    struct slice media = story->resource.type, charset = story->policy.charset;
    struct catalog_field own;
    if (find_own(story, "Content-Type", &own) && slice_copy(own.value, type, MULTIPART_TYPE_SIZE)) {
        return;
    }
    if (!slice_copy(media, type, MULTIPART_TYPE_SIZE)) {
        snprintf(type, MULTIPART_TYPE_SIZE, "application/octet-stream");
    } else if (media_has_charset(media) &&
               media.len + charset.len + sizeof "; charset=" <= MULTIPART_TYPE_SIZE) {
        snprintf(type, MULTIPART_TYPE_SIZE, "%.*s; charset=%.*s", (int)media.len, media.at,
                 (int)charset.len, charset.at);
    }
}

void fields_add_content_range(struct story *story, const struct range *range)
{
    char value[RANGE_TEXT_SIZE];
    range_write(range, (uint64_t)story_copy(story)->status.st_size, value);
    head_add_text(&story->answer->head, "Content-Range", value);
}

void fields_add_for_304(struct story *story)
{
    head_add(&story->answer->head, "ETag", story->validators.etag);
    add_cache_control(story);
    fields_add_policy(story);
    fields_add_nosniff(story);
    fields_add_upload_policy(story);
}

void fields_add_representation(struct story *story)
{
    char type[MULTIPART_TYPE_SIZE];
    struct head *head = &story->answer->head;
    fields_content_type(story, type);
    head_add_text(head, "Content-Type", type);
    head_add(head, "ETag", story->validators.etag);
    fields_add_last_modified(story);
    add_cache_control(story);
    fields_add_policy(story);
    fields_add_nosniff(story);
    fields_add_upload_policy(story);
    head_add_text(head, "Accept-Ranges", "bytes");
}

/* ---- theirs in ours ---- */

/* Variants must not be mixed whatever else the answer varies by. */
static void apply_vary(struct story *story, struct slice value)
{
    char both[FIELD_VALUE_MAX + 32];
    if (variant_varies(&story->resource)) {
        snprintf(both, sizeof both, "Accept-Encoding, %.*s", (int)value.len, value.at);
        value = slice_of(both);
    }
    head_set(&story->answer->head, slice_of("Vary"), value);
}

static void apply(struct story *story, const struct catalog_field *field)
{
    struct head *head = &story->answer->head;
    if (field->removed) {
        head_remove(head, field->name);
    } else if (slice_equal_nocase(field->name, "Vary")) {
        apply_vary(story, field->value);
    } else if (slice_equal_nocase(field->name, CSP) && story->policy.kind == MOUNT_MEDIA) {
        head_add(head, CSP, field->value); /* both hold: the sandbox stays */
    } else {
        head_set(head, field->name, field->value);
    }
}

/* An error's own line of text is never stored, whatever holds for the file; a 304 has no type. */
static bool is_decided(int status, struct slice name)
{
    bool error = status >= 400;
    return (error && slice_equal_nocase(name, "Cache-Control")) ||
           ((error || status == 304) && slice_equal_nocase(name, "Content-Type"));
}

void fields_apply_own(struct story *story)
{
    struct catalog_field field;
    for (uint32_t i = 0; i < story->policy.fields; i++) {
        if (take_own(story, i, &field) && !is_decided(story->answer->status, field.name)) {
            apply(story, &field);
        }
    }
}

static bool is_sent_anyway(struct slice name)
{
    static const char *const names[] = {
        "Access-Control-Allow-Origin", "Cache-Control",          "Content-Disposition",
        "Content-Security-Policy",     "X-Content-Type-Options", "Content-Type",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool fields_has_foreign(const struct story *story)
{
    struct catalog_field field;
    for (uint32_t i = 0; i < story->policy.fields; i++) {
        if (take_own(story, i, &field) && !field.removed && !is_sent_anyway(field.name)) {
            return true;
        }
    }
    return false;
}
