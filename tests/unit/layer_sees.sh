#!/bin/sh
# usage: layer_sees.sh COMPILER SRC INCLUDE_PATH LAYER [SEEN...]
# Tries to include every header of every layer with the include path of LAYER: those of LAYER and of
# the layers it sees must compile, all others must not be found.
compiler=$1 src=$2 include_path=$3 layer=$4
shift 4
seen=" $layer $* "
set --
IFS=:
for directory in $include_path; do
    set -- "$@" "-I$directory"
done
unset IFS
faults=0 tried=0
for header in "$src"/*/*.h; do
    name=${header#"$src"/}
    messages=$(printf '#include "%s"\n' "$name" |
        LC_ALL=C "$compiler" -std=c17 -D_GNU_SOURCE -fsyntax-only "$@" -x c - 2>&1)
    compiles=$?
    tried=$((tried + 1))
    case $seen in
    *" ${name%%/*} "*)
        if [ $compiles -ne 0 ]; then
            echo "$layer may see $name, but it does not compile: $messages"
            faults=$((faults + 1))
        fi
        ;;
    *)
        case $messages in
        *"$name: No such file"* | *"'$name' file not found"*) ;;
        *)
            echo "$layer may not see $name, but it is found"
            faults=$((faults + 1))
            ;;
        esac
        ;;
    esac
done
echo "$layer: $tried headers tried, $faults faults"
[ $faults -eq 0 ] && [ $tried -gt 20 ]
