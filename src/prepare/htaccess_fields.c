#include "prepare/htaccess_fields.h"

#include <apr_strings.h>
#include <string.h>

/* A value for Header: quotes, and % begins a format there. */
static const char *header_value(const char *value, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(value) + 3), *to = quoted;
    *to++ = '"';
    for (; *value; value++) {
        if (strchr("\"\\%", *value)) {
            *to++ = *value == '%' ? '%' : '\\';
        }
        *to++ = *value;
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

static void add_field(struct htaccess_lines *text, const struct settings_field *field)
{
    if (field->value) {
        htaccess_lines_add(text, NULL, "Header set %s %s", field->name,
                           header_value(field->value, text->pool));
    } else {
        htaccess_lines_add(text, NULL, "Header unset %s", field->name);
    }
}

void htaccess_fields_own(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    for (int i = 0; i < plan->fields->nelts; i++) {
        const struct settings_field *field = &APR_ARRAY_IDX(plan->fields, i, struct settings_field);
        if (strcmp(field->glob, "*") == 0) {
            add_field(text, field);
        }
    }
}

static const struct htaccess_line said_above[] = {
    {"Without them lines of the host or of the directories above are sent beside these.",
     "Header always unset Cache-Control"},
    {NULL, "Header always unset X-Content-Type-Options"},
    {NULL, "Header always unset Access-Control-Allow-Origin"},
    {NULL, "Header unset Expires"},
};

/* "Header set", and not "always": so an error page of Apache's own does not bear it. */
void htaccess_fields_policy(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    HTACCESS_LINES_TABLE(text, said_above);
    htaccess_lines_add(text, "Without it browsers guess types.",
                       "Header set X-Content-Type-Options nosniff");
    if (plan->mount->allow_all_origins) {
        htaccess_lines_add(text, "Without it fonts and modules of a page elsewhere do not load.",
                           "Header set Access-Control-Allow-Origin *");
    }
}

void htaccess_fields_promise(struct htaccess_lines *text, const struct htaccess_plan *plan,
                             const char *prefix)
{
    htaccess_lines_add(
        text, "Without it browsers ask for each file again.",
        "Header set Cache-Control \"max-age=315360000, public, immutable\" env=%sHB_TAG", prefix);
    htaccess_lines_add(text, "Without it the tag is Apache's, another one on every machine.",
                       "Header set ETag \"\\\"%%{%sHB_TAG}e\\\"\" env=%sHB_TAG", prefix, prefix);
    if (plan->br || plan->gzip) {
        htaccess_lines_add(
            text, "Without it a cache gives a compressed file to those who cannot read it.",
            "Header set Vary Accept-Encoding env=%sHB_VARY", prefix);
    }
}

/* Apache looks at the conditions, and knows no tag of ours. */
void htaccess_fields_asked(struct htaccess_lines *text, const struct htaccess_plan *plan,
                           const char *prefix)
{
    if (plan->level > 0) {
        htaccess_lines_add(text, "Without it our own tag is no match, and nothing is a 304.",
                           "RequestHeader edit If-None-Match .+ * env=%sHB_TAG", prefix);
        htaccess_lines_add(text, "Without it a date beside the tag undoes it.",
                           "RequestHeader unset If-Modified-Since env=%sHB_TAG", prefix);
        return;
    }
    htaccess_lines_add(text, "Without it our own tag is no match, and nothing is a 304.",
                       "RequestHeader set If-None-Match * env=%sHB_NONE_MATCH", prefix);
    htaccess_lines_add(text, "Without it a date beside the tag undoes it.",
                       "RequestHeader unset If-Modified-Since env=%sHB_NONE_MATCH", prefix);
    htaccess_lines_add(text, "Without it our own tag is no match: 412.",
                       "RequestHeader unset If-Match env=%sHB_MATCH", prefix);
}

/* ---- level 0 ---- */

static const struct htaccess_line no_store_0[] = {
    {"Without it browsers may keep an error that passes.",
     "Header always set Cache-Control no-store \"expr=%{REQUEST_STATUS} in {'403', '404', "
     "'416'}\""},
};

/* A 412 bears what its file bears. */
static const struct htaccess_line not_412[] = {
    {"Without it a 412 is kept as long as the file.",
     "Header set Cache-Control no-store \"expr=%{REQUEST_STATUS} == '412'\""},
};

void htaccess_fields_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    htaccess_lines_open(text, "IfModule mod_headers.c");
    htaccess_fields_policy(text, plan);
    if (plan->mount->max_age_sent) {
        htaccess_lines_add(text, "Without it browsers guess how long a file is fresh.",
                           "Header set Cache-Control \"max-age=%lu, public\"",
                           (unsigned long)plan->mount->max_age);
    }
    HTACCESS_LINES_TABLE(text, no_store_0);
    htaccess_lines_add(text, "Goes with the rule for HEAD.",
                       "RequestHeader unset Range env=HB_HEAD");
    if (plan->extensions->nelts > 0) {
        if (!plan->pooled) {
            htaccess_fields_asked(text, plan, "");
            htaccess_fields_promise(text, plan, "");
        }
        htaccess_fields_asked(text, plan, "REDIRECT_");
        htaccess_fields_promise(text, plan, "REDIRECT_");
    }
    HTACCESS_LINES_TABLE(text, not_412);
    htaccess_lines_close(text, "IfModule");
}

void htaccess_fields_own_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    if (plan->fields->nelts == 0) {
        return;
    }
    htaccess_lines_open(text, "IfModule mod_headers.c");
    for (int i = 0; i < plan->fields->nelts; i++) {
        const struct settings_field *field = &APR_ARRAY_IDX(plan->fields, i, struct settings_field);
        htaccess_lines_open(text, apr_psprintf(text->pool, "Files \"%s\"", field->glob));
        add_field(text, field);
        htaccess_lines_close(text, "Files");
    }
    htaccess_lines_close(text, "IfModule");
}
