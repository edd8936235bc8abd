# To be sourced by scripts that define have() and die(): Debian packages of another release, fetched without root and without
# touching the system. apt gets a root of its own, with the machine's own mirror and keyring; what it downloads is unpacked,
# never installed.

suite=forky # has MicroPython 1.26.1, which the machine's own release may lack

private_apt() { # private_apt ROOT ARGUMENT...: apt-get with that root
    local root=$1; shift
    APT_CONFIG=$root/apt.conf apt-get -qq "$@"
}

prepare_apt() { # prepare_apt ROOT ARCHITECTURE...: the first is taken for the machine's; source packages too
    local root=$1 mirror architectures
    shift
    have apt-get && have dpkg || die "this machine has no apt to get MicroPython with"
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 == "main" && $1 !~ /security/ {print $1; exit}')
    [ -n "$mirror" ] || die "run 'apt-get update' once, so that apt knows its mirror"
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    : >"$root/status"
    architectures=$(IFS=,; echo "$*")
    printf 'deb [arch=%s] %s %s main\ndeb-src %s %s main\n' "$architectures" "$mirror" "$suite" "$mirror" "$suite" >"$root/sources.list"
    {
        echo "Dir::Etc::sourcelist \"$root/sources.list\"; Dir::Etc::sourceparts \"-\"; Dir::State \"$root\";"
        echo "Dir::State::lists \"$root/lists\"; Dir::State::status \"$root/status\"; Dir::Cache \"$root/cache\";"
        echo "APT::Sandbox::User \"$(id -un)\"; Debug::NoLocking \"1\"; APT::Architecture \"$1\";"
        for architecture in "$@"; do echo "APT::Architectures:: \"$architecture\";"; done
    } >"$root/apt.conf"
    private_apt "$root" update || die "apt cannot reach its mirror for $suite"
}

unpack() { # unpack ROOT FOLDER PACKAGE...: download with all libraries and unpack
    local root=$1 into=$2
    shift 2
    rm -rf "$root/cache/archives" && mkdir -p "$root/cache/archives/partial" "$into"
    private_apt "$root" -y -d --no-install-recommends install "$@" >/dev/null || die "apt cannot download $*"
    for deb in "$root"/cache/archives/*.deb; do dpkg -x "$deb" "$into"; done
}
