#!/bin/sh
# Handback's host check: says to check.html how this host runs programs. It reads nothing of the
# request but the variables named here; its answer holds no path and no value of the request.
# Delete it when the check is done.
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
LC_ALL=C
export LC_ALL

# present NAME VALUE: whether a field of the request has reached the program.
present() {
    if [ -n "$2" ]; then
        echo "$1: yes"
    else
        echo "$1: no"
    fi
}

# The mode of a file or directory, as rwx letters.
mode_of() {
    ls -ld "$1" | cut -c1-10
}

# "new" where there is openat2, by which Handback opens files: since Linux 5.6.
age_of() {
    major=${1%%.*} minor=${1#*.}
    minor=${minor%%[!0-9]*}
    if [ "$major" -gt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -ge 6 ]; }; then
        echo new
    else
        echo old
    fi
}

# What handback.cgi beside this file answers when it is run as the server would run it: a status,
# or the exit code of a program that could not be run.
try_program() {
    answer=$(env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET REQUEST_URI=/handback-probe \
        ./handback.cgi 2>/dev/null </dev/null | tr -d '\r' | head -n 1)
    status=$(expr "$answer" : 'Status: \([0-9][0-9]*\)')
    if [ -n "$status" ]; then
        echo "program-answer: $status"
    else
        env -i GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET REQUEST_URI=/handback-probe \
            ./handback.cgi >/dev/null 2>&1 </dev/null
        echo "program-exit: $?"
    fi
}

# What has reached the program.
request() {
    echo "handback-probe 1"
    case $REQUEST_URI in
    "") echo "request-uri: none" ;;
    */to/*handback-probe.cgi*) echo "request-uri: original" ;;
    *) echo "request-uri: own" ;;
    esac
    present accept-encoding "$HTTP_ACCEPT_ENCODING"
    present if-none-match "$HTTP_IF_NONE_MATCH"
    present range "$HTTP_RANGE"
}

# What runs it, and what lies beside it.
report() {
    case $SERVER_SOFTWARE in
    Apache*) echo "server: Apache" ;;
    LiteSpeed*) echo "server: LiteSpeed" ;;
    *) echo "server: other" ;;
    esac
    if [ -O . ]; then
        echo "runs-as: owner"
    else
        echo "runs-as: other"
    fi
    echo "machine: $(uname -m)"
    echo "kernel: $(age_of "$(uname -r)")"
    if [ -e /proc/self/exe ]; then
        echo "proc: yes"
    else
        echo "proc: no"
    fi
    echo "directory-mode: $(mode_of .)"
    if [ ! -e handback.cgi ]; then
        echo "program: none"
        return
    fi
    echo "program: $(mode_of handback.cgi)"
    sum=$(sha256sum 2>/dev/null <handback.cgi) && echo "program-sum: ${sum%% *}"
    try_program
}

# "coded", compressed by gzip.
if [ "$QUERY_STRING" = coded ]; then
    printf 'Content-Type: text/css\nContent-Encoding: gzip\nCache-Control: no-store\n\n'
    printf '\037\213\010\000\000\000\000\000\002\003'
    printf '\113\316\117\111\115\341\002\000\351\022\334\077\006\000\000\000'
    exit
fi

body=$(request)
if [ "$QUERY_STRING" = report ]; then
    body="$body
$(report)"
fi
# One more than the text has: the newline that ends it.
printf 'Content-Type: text/plain\nContent-Length: %d\nCache-Control: no-store\n\n' $((${#body} + 1))
if [ "$QUERY_STRING" = length ]; then
    # A server that has the whole body at once may count it: whether it keeps the length that it
    # was told shows only where the body comes later.
    sleep 0.2 2>/dev/null || sleep 1
fi
echo "$body"
