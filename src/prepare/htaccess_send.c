#include "prepare/htaccess_send.h"

#include "prepare/htaccess_fields.h"
#include "prepare/htaccess_mime.h"

static const struct htaccess_line not_run[] = {
    {"Without it the host may run what has .php or .cgi in its name.",
     "SetHandler default-handler"},
};

static const struct htaccess_line no_store[] = {
    {"Without it a file that vanishes at this moment is a 404 that browsers may keep.",
     "Header always set Cache-Control no-store \"expr=%{REQUEST_STATUS} in {'403', '404', '412', "
     "'416'}\""},
};

static const struct htaccess_line own_errors[] = {
    {"Without them an error page of the site is sent in its place, without that line.",
     "ErrorDocument 403 default"},
    {NULL, "ErrorDocument 404 default"},
    {NULL, "ErrorDocument 412 default"},
    {NULL, "ErrorDocument 416 default"},
};

/* What mod_setenvif finds in the query of a local redirect. */
static const struct htaccess_line told[] = {
    {"The program says type and tag in the query; without them Apache makes up its own.",
     "SetEnvIfExpr \"%{QUERY_STRING} =~ /(?:^|&)type=([^&]+)/\" HB_TYPE=$1"},
    {NULL, "SetEnvIfExpr \"%{QUERY_STRING} =~ /(?:^|&)charset=([^&]+)/\" HB_CHARSET=$1"},
    {NULL, "SetEnvIfExpr \"%{QUERY_STRING} =~ /(?:^|&)etag=([^&]+)/\" HB_TAG=$1"},
};

static const struct htaccess_line restored[] = {
    {NULL, "Header set Content-Type \"expr=%{reqenv:HB_TYPE}\" env=HB_TYPE"},
    {NULL, "Header set Content-Type \"expr=%{reqenv:HB_TYPE}; charset=%{reqenv:HB_CHARSET}\" "
           "env=HB_CHARSET"},
    {NULL, "Header set ETag \"expr=\\\"%{reqenv:HB_TAG}\\\"\" env=HB_TAG"},
};

static const struct htaccess_line kept[] = {
    {"Without them lines of the directories above are sent beside those of the program.",
     "Header unset Cache-Control"},
    {NULL, "Header unset X-Content-Type-Options"},
    {NULL, "Header unset Access-Control-Allow-Origin"},
    {NULL, "Header unset Expires"},
    {NULL, "Header always set X-Content-Type-Options nosniff"},
};

/* Everything stands in such a section, since sections for files come after all other lines, those
 * of the directories above included; and since what mod_mime is told to forget is forgotten only
 * once: lines of a second directory take the first ones back. */
static void open_files(struct htaccess_lines *text)
{
    htaccess_lines_open(text, "Files \"*\"");
    HTACCESS_LINES_TABLE(text, not_run);
}

void htaccess_send_restoring(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    HTACCESS_LINES_TABLE(text, own_errors);
    HTACCESS_LINES_MODULE(text, "mod_setenvif.c", told);
    open_files(text);
    htaccess_lines_open(text, "IfModule mod_headers.c");
    HTACCESS_LINES_TABLE(text, kept);
    HTACCESS_LINES_TABLE(text, restored);
    HTACCESS_LINES_TABLE(text, no_store);
    htaccess_lines_close(text, "IfModule");
    HTACCESS_LINES_MODULE(text, "mod_env.c", htaccess_mime_never_twice);
    htaccess_lines_open(text, "IfModule mod_mime.c");
    htaccess_mime_removals(text, plan, false);
    htaccess_lines_close(text, "IfModule");
    htaccess_lines_close(text, "Files");
}

void htaccess_send_add(struct htaccess_lines *text, const struct htaccess_plan *plan,
                       bool also_direct)
{
    open_files(text);
    htaccess_lines_open(text, "IfModule mod_headers.c");
    htaccess_fields_policy(text, plan);
    htaccess_fields_own(text, plan);
    if (also_direct) {
        htaccess_fields_asked(text, plan, "");
        htaccess_fields_promise(text, plan, "");
    }
    htaccess_fields_asked(text, plan, "REDIRECT_");
    htaccess_fields_promise(text, plan, "REDIRECT_");
    htaccess_lines_close(text, "IfModule");
    HTACCESS_LINES_MODULE(text, "mod_env.c", htaccess_mime_never_twice);
    htaccess_lines_open(text, "IfModule mod_mime.c");
    htaccess_mime_removals(text, plan, true);
    htaccess_mime_types(text, plan, true);
    htaccess_lines_close(text, "IfModule");
    htaccess_lines_close(text, "Files");
}

void htaccess_send_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan)
{
    HTACCESS_LINES_TABLE(text, own_errors);
    open_files(text);
    htaccess_fields_level_0(text, plan);
    htaccess_lines_close(text, "Files");
    htaccess_fields_own_level_0(text, plan);
    htaccess_mime_level_0(text, plan);
}
