/* A request target. What is resolved is plain, and resolving it again changes nothing. */
#include "fuzz.h"
#include "http/path.h"

static void check(const struct path *path)
{
    MUST(path->len > 0 && path->len < PATH_SIZE);
    MUST(path->text[path->len] == '\0' && strlen(path->text) == path->len);
    MUST(path->text[0] == '/');
    struct slice below = {path->text + 1, path->len - 1};
    MUST((path->text[path->len - 1] == '/') == path->directory);
    below.len -= path->directory && below.len > 0;
    MUST(below.len == 0 ? path->directory : path_is_plain(below));
    static struct path again;
    MUST(path_resolve_decoded((struct slice){path->text, path->len}, &again) == PATH_OK);
    MUST(again.len == path->len && memcmp(again.text, path->text, path->len) == 0);
    MUST(again.directory == path->directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct path path;
    char *target = fuzz_copy(data, size);
    struct slice slice = {target, size};
    if (path_resolve(slice, &path) == PATH_OK) {
        check(&path);
    }
    if (path_resolve_decoded(slice, &path) == PATH_OK) {
        check(&path);
    }
    path_is_hidden(slice);
    if (path_is_plain(slice)) {
        MUST(size > 0 && size < PATH_SIZE && target[0] != '/' && target[size - 1] != '/');
        MUST(!memmem(target, size, "//", 2) && !memchr(target, '\0', size));
    }
    free(target);
    return 0;
}
