#include "http/media.h"

#include <stdlib.h>
#include <string.h>

struct media {
    const char *key;
    const char *type;
};

static const struct media by_name[] = {
    {"apple-app-site-association", "application/pkcs7-mime"},
    {"crossdomain.xml", "text/x-cross-domain-policy"},
};

/* Sorted by extension, for bsearch; a unit test holds it to that. */
static const struct media by_extension[] = {
    {"3gp", "video/3gpp"},
    {"3gpp", "video/3gpp"},
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"ai", "application/postscript"},
    {"aif", "audio/aiff"},
    {"aiff", "audio/aiff"},
    {"apk", "application/vnd.android.package-archive"},
    {"apng", "image/apng"},
    {"arrow", "application/vnd.apache.arrow.file"},
    {"arrows", "application/vnd.apache.arrow.stream"},
    {"asf", "video/x-ms-asf"},
    {"asx", "video/x-ms-asf"},
    {"atom", "application/atom+xml"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"br", "application/octet-stream"},
    {"bz2", "application/x-bzip2"},
    {"cco", "application/x-cocoa"},
    {"cjs", "text/javascript"},
    {"crt", "application/x-x509-ca-cert"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"cur", "image/vnd.microsoft.icon"},
    {"dae", "model/vnd.collada+xml"},
    {"deb", "application/octet-stream"},
    {"der", "application/x-x509-ca-cert"},
    {"dmg", "application/octet-stream"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"ear", "application/java-archive"},
    {"eot", "application/vnd.ms-fontobject"},
    {"eps", "application/postscript"},
    {"epub", "application/epub+zip"},
    {"es", "text/javascript"},
    {"exe", "application/octet-stream"},
    {"flac", "audio/flac"},
    {"flv", "video/x-flv"},
    {"geojson", "application/geo+json"},
    {"gif", "image/gif"},
    {"glb", "model/gltf-binary"},
    {"gltf", "model/gltf+json"},
    {"gpx", "application/gpx+xml"},
    {"gz", "application/gzip"},
    {"heic", "image/heic"},
    {"heics", "image/heic-sequence"},
    {"heif", "image/heif"},
    {"heifs", "image/heif-sequence"},
    {"hqx", "application/mac-binhex40"},
    {"htc", "text/x-component"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"img", "application/octet-stream"},
    {"iso", "application/octet-stream"},
    {"jad", "text/vnd.sun.j2me.app-descriptor"},
    {"jar", "application/java-archive"},
    {"jardiff", "application/x-java-archive-diff"},
    {"jfif", "image/jpeg"},
    {"jng", "image/x-jng"},
    {"jnlp", "application/x-java-jnlp-file"},
    {"jpe", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"kar", "audio/midi"},
    {"kml", "application/vnd.google-earth.kml+xml"},
    {"kmz", "application/vnd.google-earth.kmz"},
    {"ktx", "image/ktx"},
    {"ktx2", "image/ktx2"},
    {"m3u", "audio/mpegurl"},
    {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},
    {"m4s", "video/iso.segment"},
    {"m4v", "video/mp4"},
    {"map", "application/json"},
    {"markdown", "text/markdown"},
    {"md", "text/markdown"},
    {"mid", "audio/midi"},
    {"midi", "audio/midi"},
    {"mjs", "text/javascript"},
    {"mka", "audio/matroska"},
    {"mkv", "video/matroska"},
    {"mml", "text/mathml"},
    {"mng", "video/x-mng"},
    {"mobileconfig", "application/x-apple-aspen-config"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpd", "application/dash+xml"},
    {"mpe", "video/mpeg"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"mpga", "audio/mpeg"},
    {"msi", "application/octet-stream"},
    {"msm", "application/octet-stream"},
    {"msp", "application/octet-stream"},
    {"mtl", "model/mtl"},
    {"mvt", "application/vnd.mapbox-vector-tile"},
    {"nt", "application/n-triples"},
    {"obj", "model/obj"},
    {"odg", "application/vnd.oasis.opendocument.graphics"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"parquet", "application/vnd.apache.parquet"},
    {"pdb", "application/x-pilot"},
    {"pdf", "application/pdf"},
    {"pem", "application/x-x509-ca-cert"},
    {"pkpass", "application/vnd.apple.pkpass"},
    {"pl", "application/x-perl"},
    {"pm", "application/x-perl"},
    {"png", "image/png"},
    {"po", "text/plain"},
    {"pot", "text/plain"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"prc", "application/x-pilot"},
    {"ps", "application/postscript"},
    {"qt", "video/quicktime"},
    {"ra", "audio/x-realaudio"},
    {"rar", "application/vnd.rar"},
    {"rdf", "application/rdf+xml"},
    {"rpm", "application/x-redhat-package-manager"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"run", "application/x-makeself"},
    {"sea", "application/x-sea"},
    {"shtml", "text/html"},
    {"sit", "application/x-stuffit"},
    {"srt", "text/plain"},
    {"stl", "model/stl"},
    {"svg", "image/svg+xml"},
    {"svgz", "image/svg+xml"},
    {"swf", "application/x-shockwave-flash"},
    {"tar", "application/x-tar"},
    {"tcl", "application/x-tcl"},
    {"text", "text/plain"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"tk", "application/x-tcl"},
    {"toml", "application/toml"},
    {"topojson", "application/json"},
    {"ts", "video/mp2t"},
    {"tsv", "text/tab-separated-values"},
    {"ttc", "font/collection"},
    {"ttf", "font/ttf"},
    {"ttl", "text/turtle"},
    {"ttml", "application/ttml+xml"},
    {"txt", "text/plain"},
    {"usda", "model/vnd.usda"},
    {"usdz", "model/vnd.usdz+zip"},
    {"vcard", "text/vcard"},
    {"vcf", "text/vcard"},
    {"vtt", "text/vtt"},
    {"war", "application/java-archive"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"wbmp", "image/vnd.wap.wbmp"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"wgsl", "text/wgsl"},
    {"wml", "text/vnd.wap.wml"},
    {"wmlc", "application/vnd.wap.wmlc"},
    {"wmv", "video/x-ms-wmv"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xht", "application/xhtml+xml"},
    {"xhtm", "application/xhtml+xml"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "text/xml"},
    {"xpi", "application/x-xpinstall"},
    {"xsd", "text/xml"},
    {"xsl", "text/xml"},
    {"xslt", "application/xslt+xml"},
    {"xspf", "application/xspf+xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

enum {
    EXTENSION_MAX = 16
};

static int compare_key(const void *key, const void *media)
{
    return strcmp(key, ((const struct media *)media)->key);
}

/* What stands behind the last dot of the last segment, in lower case; false when there is none. */
static bool extension_of(struct slice base, char extension[EXTENSION_MAX])
{
    size_t dot = base.len;
    while (dot > 0 && base.at[dot - 1] != '.') {
        dot--;
    }
    if (dot == 0 || !slice_copy(slice_from(base, dot), extension, EXTENSION_MAX)) {
        return false;
    }
    for (char *c = extension; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    return true;
}

const char *media_type(struct slice name)
{
    struct slice base = slice_behind_last(name, '/');
    char extension[EXTENSION_MAX];
    for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++) {
        if (slice_equal(base, slice_of(by_name[i].key))) {
            return by_name[i].type;
        }
    }
    if (!extension_of(base, extension)) {
        return "application/octet-stream";
    }
    const struct media *found =
        bsearch(extension, by_extension, sizeof by_extension / sizeof *by_extension,
                sizeof *by_extension, compare_key);
    return found ? found->type : "application/octet-stream";
}

bool media_key_matches(struct slice key, struct slice name)
{
    struct slice base = slice_behind_last(name, '/');
    return key.len > 0 && (key.at[0] == '.' ? slice_ends(base, key) : slice_equal(base, key));
}

bool media_is_active(struct slice type)
{
    static const char *const active[] = {"text/html",
                                         "text/javascript",
                                         "text/ecmascript",
                                         "text/xml",
                                         "text/xsl",
                                         "text/x-component",
                                         "text/mathml",
                                         "application/javascript",
                                         "application/x-javascript",
                                         "application/ecmascript",
                                         "application/xml",
                                         "application/x-shockwave-flash",
                                         "application/x-java-jnlp-file",
                                         "multipart/x-mixed-replace"};
    struct slice essence = slice_trim(slice_cut(&type, ';'));
    for (size_t i = 0; i < sizeof active / sizeof *active; i++) {
        if (slice_equal_nocase(essence, active[i])) {
            return true;
        }
    }
    return essence.len > 4 && slice_equal_nocase(slice_from(essence, essence.len - 4), "+xml");
}

bool media_has_charset(struct slice type)
{
    return slice_starts(type, slice_of("text/"));
}
