# Sourced by examples/quickstart and tests/run: installs what a machine with Debian 12 lacks.

# install_missing LIST...: LIST is a file of package names, one a line, with # comments.
# Lists what is missing before it installs it; fails with one line when it cannot.
install_missing() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "$0: this needs Debian 12 (there is no apt-get here)" >&2
        return 1
    fi
    missing=
    for package in $(sed 's/#.*//' "$@"); do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        if [ "$status" != installed ]; then
            missing="$missing $package"
        fi
    done
    if [ -z "$missing" ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "$0: missing packages; as root:" \
            "apt-get install --no-install-recommends$missing" >&2
        return 1
    fi
    echo "Will install:$missing"
    echo "Installing (this may take some minutes) ..."
    install_log=$(mktemp)
    # A new machine's own upgrades may hold apt's lock for a while.
    if ! { apt-get -q update &&
        DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
            install --no-install-recommends $missing; } >"$install_log" 2>&1 </dev/null; then
        tail -n 20 "$install_log" >&2
        rm -f "$install_log"
        echo "$0: the installation failed, see above" >&2
        return 1
    fi
    rm -f "$install_log"
}
