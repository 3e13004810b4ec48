#!/bin/sh
# manual.sh SRC: every diagnosis and every setting of the code stands in handback(1), and the reverse.
set -eu
src=$1
manual=$src/handback.1
fail=0
compare() {
    if [ "$2" != "$3" ]; then
        echo "$1 of the code:   " $2
        echo "$1 of the manual: " $3
        fail=1
    fi
}
compare "diagnoses" \
    "$(sed -n 's/^ *HB_[A-Z_]* = \([0-9]*\),.*/\1/p' "$src/base/error.h" | xargs printf 'HB%04d\n' | sort)" \
    "$(sed -n 's/^\.It \(HB[0-9]*\)$/\1/p' "$manual" | sort)"
for name in $(sed -n 's/^ *{\(NULL\|"[a-z_]*"\), \(NULL\|"[A-Z_]*"\), .*/\1 \2/p' \
    "$src/compile/settings_table.c" | tr -d '",'); do
    if [ "$name" != NULL ] && ! grep -qw -- "$name" "$manual"; then
        echo "$name is not in the manual"
        fail=1
    fi
done
for option in $(sed -n 's/^ *{"\([a-z-]*\)", OPT_.*/\1/p' "$src/cli/command_serve.c" "$src/cli/command_prepare.c"); do
    if ! grep -q -- "-$option" "$manual"; then
        echo "--$option is not in the manual"
        fail=1
    fi
done
exit $fail
