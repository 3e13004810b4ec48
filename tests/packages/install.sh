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
    policy=/usr/sbin/policy-rc.d
    trap 'allow_services; exit 130' INT TERM
    refuse_services
    # A new machine's own upgrades may hold apt's lock for a while.
    { apt-get -q update &&
        DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
            install --no-install-recommends $missing; } >"$install_log" 2>&1 </dev/null
    installed=$?
    disable_services
    allow_services
    trap - INT TERM
    if [ $installed -ne 0 ]; then
        tail -n 20 "$install_log" >&2
        echo "$0: the installation failed, see above" >&2
    fi
    rm -f "$install_log"
    return $installed
}

# The web servers among the packages are wanted as programs: neither now nor at the next boot may
# one of them take port 80. A policy of the machine's own is left as it is.
refuse_services() {
    ours=
    if [ ! -e $policy ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
}

allow_services() {
    if [ -n "$ours" ]; then
        rm -f $policy
    fi
}

disable_services() {
    for package in $missing; do
        if [ -e "/etc/init.d/$package" ]; then
            update-rc.d "$package" disable >>"$install_log" 2>&1
        fi
    done
}
