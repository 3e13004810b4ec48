"""Which file a target names: RFC 9112 3.2, RFC 3986, and what no target may reach."""

from cases import AWKWARD, MUST, OURS, SECRETS, SHOULD, row
from harness import url_of

# Characters that RFC 3986 lets stand in a path as they are.
RAW = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/")


def loosely(name):
    """The name with as little encoded as the grammar allows."""
    safe = "".join(c if c in RAW else url_of(c, "") for c in name)
    return f"/static/conf/{safe}"


def fully(name):
    """The name with every byte encoded, in small letters."""
    return "/static/conf/" + "".join(f"%{byte:02x}" for byte in name.encode())


def awkward():
    for name in AWKWARD:
        if "/" in name:
            continue
        file = f"conf/{name}"
        shown = f"{name!r:.30}"
        yield row(f"the name {shown}, encoded as browsers do, is its file", "3986 2.1", MUST,
                  f"GET {url_of(file)}", status=200, file=file)
        yield row(f"the name {shown}, encoded in every byte, is its file", "3986 2.3", MUST,
                  f"GET {fully(name)}", status=200, file=file)
        if loosely(name) != url_of(file):
            yield row(f"the name {shown}, encoded as little as may be, is its file", "3986 2.2",
                      MUST, f"GET {loosely(name)}", status=200, file=file)


APP = "/static/js/app.js"

# Other spellings of one file.
SAME = [
    ("an empty query", f"{APP}?"),
    ("a query", f"{APP}?v=1"),
    ("a query that is another path", f"{APP}?/../conf/one.txt"),
    ("a query of question marks", f"{APP}???"),
    ("a query with a slash and dots", f"{APP}?../../etc/passwd"),
    ("a query with an encoded NUL", f"{APP}?a%00b"),
    ("a query with a percent sign that encodes nothing", f"{APP}?a=100%"),
    ("a query with bad hexadecimal", f"{APP}?%zz"),
    ("a query that would be arguments of a CGI", f"{APP}?prune+--keep+0"),
    ("a query that would be an option of a CGI", f"{APP}?--help"),
    ("a query that would be an encoded option", f"{APP}?%2d%2dversion"),
    ("a query that would be a short option", f"{APP}?-V"),
    ("a query that would be a command", f"{APP}?serve+--listen+unix:x"),
    ("a query with a plus sign", f"{APP}?a+b"),
    ("a query with an ampersand", f"{APP}?a&b&c=d"),
    ("a query of 4 KB", f"{APP}?" + "q" * 4000),
    ("a query with an encoded line end", f"{APP}?a%0d%0aX-Injected:%201"),
    ("a query with an encoded fragment sign, as old fonts have it", f"{APP}?%23iefix"),
    ("a query with UTF-8", f"{APP}?%C3%A9"),
    ("letters encoded", "/static/js/%61%70%70.js"),
    ("letters encoded in small hexadecimal", "/static/%6a%73/app.js"),
    ("letters encoded in large hexadecimal", "/static/%6A%73/app.js"),
    ("a dot encoded", "/static/js/app%2Ejs"),
    ("letters of the prefix encoded", "/%73tatic/js/app.js"),
    ("all letters of the prefix encoded", "/%73%74%61%74%69%63/js/app.js"),
    ("two slashes inside", "/static//js/app.js"),
    ("three slashes inside", "/static/js///app.js"),
    ("two slashes at the start", "//static/js/app.js"),
    ("a dot segment", "/static/./js/app.js"),
    ("a dot segment at the start", "/./static/js/app.js"),
    ("an encoded dot segment", "/static/%2e/js/app.js"),
    ("a parent segment", "/static/css/../js/app.js"),
    ("a parent segment of a directory that is not there", "/static/nothing/../js/app.js"),
    ("a parent segment encoded", "/static/css/%2e%2e/js/app.js"),
    ("a parent segment half encoded", "/static/css/.%2E/js/app.js"),
    ("two parent segments", "/static/a/b/../../js/app.js"),
    ("a way out of the prefix and back", "/static/../static/js/app.js"),
    ("a way in from elsewhere", "/elsewhere/../static/js/app.js"),
    ("the absolute form", f"http://{{host}}{APP}"),
    ("the absolute form in capitals", f"HTTP://{{host}}{APP}"),
    ("the absolute form with a port", f"http://{{host}}:80{APP}"),
    ("the absolute form with a query", f"http://{{host}}{APP}?http://example.org/"),
]

MISSING = [
    ("nothing by that name", "/static/nothing.css"),
    ("a name in other letters", "/static/JS/app.js"),
    ("a suffix in other letters", "/static/js/app.JS"),
    ("a slash behind the name", "/static/js/app.js/"),
    ("a slash behind the name, and a query", "/static/js/app.js/?a"),
    ("more behind the name", "/static/js/app.js/more"),
    ("a parent segment behind the name", "/static/js/app.js/.."),
    ("a directory", "/static/js"),
    ("a directory with a slash", "/static/js/"),
    ("the prefix itself", "/static/"),
    ("the prefix with a query", "/static/?"),
    ("the prefix and slashes", "/static///"),
    ("a dot at the end of a directory", "/static/js/."),
    ("a parameter after a semicolon", "/static/js/app.js;v=1"),
    ("a blank behind the name", "/static/js/app.js%20"),
    ("a dot behind the name", "/static/js/app.js."),
    ("a blank before the name", "/static/js/%20app.js"),
    ("an encoded question mark, which begins no query", "/static/js/app.js%3Fv=1"),
    ("an encoded fragment sign, which begins no fragment", "/static/js/app.js%23x"),
    ("a name encoded twice", "/static/js/%2561pp.js"),
    ("a parent segment encoded twice", "/static/css/%252e%252e/js/app.js"),
    ("an encoded backslash for a slash", "/static/js%5Capp.js"),
    ("a climb by backslashes", "/static/..%5c..%5cetc%5cpasswd"),
    ("an overlong slash", "/static/js%c0%afapp.js"),
    ("an overlong dot", "/static/%c0%ae%c0%ae/app.js"),
    ("bytes that are no UTF-8", "/static/%ff%fe.css"),
    ("a glob", "/static/js/*.js"),
    ("a glob of one letter", "/static/js/ap?.js"),
    ("a hash that nobody knows", "/static/js/app.000000000000.js"),
    ("the right hash in capitals", "/static/js/app.{app.hash}.js"),
    ("a stream of another system", "/static/js/app.js::$DATA"),
    ("a short name of another system", "/static/js/APP~1.JS"),
    ("a name of 256 bytes", "/static/" + "n" * 256),
    ("a name of 1000 bytes", "/static/" + "n" * 1000),
    ("a path of 2000 directories", "/static/" + "a/" * 2000 + "b"),
    ("a path of 4090 bytes", "/static/" + "abcdefghi/" * 408 + "b"),
    ("the manifest", "/static/staticfiles.json"),
    ("the manifest with a dot encoded", "/static/staticfiles%2Ejson"),
    ("the manifest behind two slashes", "/static//staticfiles.json"),
    ("the manifest by a detour", "/static/js/../staticfiles.json"),
    ("a link that leaves the root", "/static/conf/outside.txt"),
    ("a directory link that leaves the root", "/static/conf/updir/manage.py"),
    ("a link to nothing", "/static/conf/dangling.txt"),
    ("a link to itself", "/static/conf/loop.txt"),
    ("a FIFO, which must not hang", "/static/conf/fifo.txt"),
    ("an upload that is not there", "/media/nothing.png"),
    ("a directory of uploads", "/media/"),
    ("a parent segment out of the uploads", "/media/%2e%2e/static/staticfiles.json"),
]

# Apache refuses most of these before it asks the program, each in its own way.
HOSTILE = [
    ("a NUL", "/static/js/app.js%00", {400, 404}),
    ("a NUL inside", "/static/js/app.js%00.css", {400, 404}),
    ("bad hexadecimal", "/static/%zz.css", {400}),
    ("a percent sign alone", "/static/%", {400}),
    ("a percent sign at the end", "/static/js/app.js%", {400}),
    ("a percent sign cut short", "/static/js/app.js%4", {400}),
    ("a percent sign and a minus", "/static/%-1", {400}),
    ("an encoded slash", "/static/js%2Fapp.js", {404, 200}, "app_plain"),
    ("an encoded slash in small letters", "/static/js%2fnothing.js", {404}),
    ("a climb by encoded slashes", "/static/..%2f..%2fetc%2fpasswd", {404}),
    ("a climb", "/static/../../../etc/passwd", {400, 403, 404}),
    ("an encoded climb", "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", {400, 403, 404}),
    ("a climb from the start", "/../../etc/passwd", {400, 403, 404}),
    ("a climb to the sources", "/static/../example/settings.py", {400, 403, 404}),
    ("an encoded line end", "/static/js/app.js%0d%0aX-Injected:%201", {400, 403, 404}),
    ("an encoded line feed", "/static/js/app.js%0a", {400, 403, 404}),
    ("an encoded carriage return", "/static/js/app.js%0d", {400, 403, 404}),
    ("an encoded tab", "/static/js/app.js%09", {400, 403, 404}),
    ("an encoded escape", "/static/js/%1bapp.js", {400, 403, 404}),
    ("an encoded delete", "/static/js/%7fapp.js", {400, 403, 404}),
    ("a fragment, which no client may send", "/static/js/app.js#x", {400}),
    ("a font's fragment behind a query", "{font_plain}?#iefix", {400}),
    ("a raw blank", "/static/conf/a b.txt", {400}),
    ("a raw double quote", '/static/conf/"quoted".txt', {200, 400}, 'conf/"quoted".txt'),
    ("a raw backslash", "/static/js\\app.js", {400, 404}),
    ("raw braces", b"/static/conf/[x]{y}.txt", {200, 400}, "conf/[x]{y}.txt"),
    ("raw angle brackets", "/static/conf/less<more>.txt", {200, 400},
     "conf/less<more>.txt"),
    ("raw UTF-8", "/static/conf/caf\u00e9.txt", {200, 400}, "conf/caf\u00e9.txt"),
    ("a raw byte that is no UTF-8", b"/static/conf/\xff.txt", {400, 404}),
    ("a raw control byte", b"/static/js/\x01app.js", {400}),
    ("no slash at the start", "static/js/app.js", {400}),
    ("a prefix that is longer", "/staticx/js/app.js", {403, 404}),
    ("a prefix without its slash", "/static", {404, 403, 301, 302}),
    ("a prefix in capitals", "/STATIC/js/app.js", {403, 404}),
    ("a path of 6000 bytes", "/static/" + "abcdefghi/" * 600 + "b", {404, 414}),
    ("the device of standard input", "/static/../dev/stdin", {400, 403, 404}),
    ("a target of 9000 bytes", "/static/" + "a" * 9000, {414}),
    ("a target of 64 KB", "/static/" + "a" * 65536, {414}),
    ("a query of 9000 bytes", "/static/js/app.js?" + "a" * 9000, {414}),
    ("the absolute form of no scheme", "://{host}/static/js/app.js", {400, 404}),
    ("a user in the absolute form", "http://a:b@{host}/static/js/app.js", {200, 400},
     "app_plain"),
]


def spelled():
    for what, target in SAME:
        yield row(f"{what} names the same file", "9110 4.2.3", MUST, f"GET {target}", status=200,
                  file="app_plain")
    for what, target in MISSING:
        yield row(f"{what} is 404", "9110 15.5.5", MUST, f"GET {target}", status=404)
    for what, target, statuses, *file in HOSTILE:
        yield row(f"{what} is refused or harmless", "9112 3.2", MUST,
                  "GET /", status=statuses, apache=True, target=target,
                  file=file[0] if file else None)


def secret():
    for name in SECRETS:
        url = url_of(name)
        yield row(f"{name} is 404", "ours", OURS, f"GET {url}", status=404)
        hidden = "/static/" + url[8:].replace(".", "%2E", 1)
        yield row(f"{name} with its dot encoded is 404", "ours", OURS, f"GET {hidden}",
                  status=404)
        yield row(f"HEAD of {name} is 404", "ours", OURS, f"HEAD {url}", status=404)
        yield row(f"POST to {name} is 404, so that nobody learns of it", "ours", OURS,
                  f"POST {url}", status=404, body=b"a=b")
    for coding, suffix in (("br", ".br"), ("gzip", ".gz"), ("zstd", ".zst")):
        yield row(f"the {coding} sibling is not served as itself", "ours", OURS,
                  f"GET {{css}}{suffix}", status=404)
        yield row(f"the {coding} sibling of the original name is not served", "ours", OURS,
                  f"GET {{css_plain}}{suffix}", status=404)


OTHERS = [
    row("a link inside the root is its file", "ours", OURS, "GET /static/conf/link.txt",
        status=200, file="conf/A.txt"),
    row("composed and decomposed letters are different names: composed", "3986 6.2.2", MUST,
        "GET /static/conf/caf%C3%A9.txt", status=200, file="conf/caf\u00e9.txt"),
    row("composed and decomposed letters are different names: decomposed", "3986 6.2.2", MUST,
        "GET /static/conf/cafe%CC%81.txt", status=200, file="conf/cafe\u0301.txt"),
    row("a name that is an encoding is not decoded twice", "3986 2.4", MUST,
        "GET /static/conf/%2541.txt", status=200, file="conf/%41.txt"),
    row("the letter that the encoding stands for is another file", "3986 2.4", MUST,
        "GET /static/conf/%41.txt", status=200, file="conf/A.txt"),
    row("a plus sign is no blank", "3986 2.2", MUST, "GET /static/conf/a+b.txt", status=200,
        file="conf/a+b.txt"),
    row("an encoded plus sign is a plus sign", "3986 2.2", MUST, "GET /static/conf/a%2Bb.txt",
        status=200, file="conf/a+b.txt"),
    row("a file in directories is found", "9110 4.1", MUST, "GET /static/conf/deep/er/file.txt",
        status=200, file="conf/deep/er/file.txt"),
    row("an empty query does not hide the bytes of an upload", "9110 4.1", MUST,
        "GET /media/photo.png?", status=200, file="media/photo.png"),
    row("an old font's query is ignored", "9110 4.1", SHOULD, "GET {font_plain}?iefix",
        status=200, file="font_plain"),
]

ROWS = [*awkward(), *spelled(), *secret(), *OTHERS]
