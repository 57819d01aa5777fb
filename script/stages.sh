# Sourced by script/test: the stages, a function each. A stage's last line is "N passed, N failed" or "skipped: why".

sum() { echo "$1 passed, $2 failed"; }

# Passes or fails each line of stdin as an argument of the command, as many at a time as there are processors.
each() {
    said=build/test-logs/$stage.each
    xargs -P "$(nproc)" -I '{}' sh -c '"$@" "{}" && echo "ok {}" || echo "not ok {}"' each "$@" >"$said"
    grep -v '^ok ' "$said" || true
    sum "$(grep -c '^ok ' "$said")" "$(grep -c '^not ok ' "$said")"
}

sources() { find src tests/unit tests/schema tests/conformance tests/fault tests/fuzz bench -name '*.c' -o -name '*.h' | sort; }

# unit_tests DIR [SUITE]...: counts what cmocka prints for each test, and a program that died as one more failure.
unit_tests() {
    dir=$1 suites=
    shift
    for suite in "$@"; do suites="$suites --suite $suite"; done
    rm -f "$dir/meson-logs/testlog.txt"
    ${plainly-} meson test -C "$dir" --no-rebuild --print-errorlogs $suites && status=0 || status=$?
    [ -f "$dir/meson-logs/testlog.txt" ] || { echo 'skipped: no unit tests'; return; }
    good=$(grep -c '^\[       OK \]' "$dir/meson-logs/testlog.txt") || true
    bad=$(grep '^\[  FAILED  \] [a-z]' "$dir/meson-logs/testlog.txt" | sort -u | wc -l)
    [ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
    sum "$good" "$bad"
    [ "$status" = 0 ]
}

# with_sanitizers [TARGET]...: the tests and the program itself, under AddressSanitizer and UndefinedBehaviorSanitizer.
with_sanitizers() {
    build build-asan -Dbench=false -Db_lto=false -Doptimization=1 -Db_sanitize=address,undefined -- "$@"
}

stage_unit() {
    export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    with_sanitizers && unit_tests build-asan
}

# The rooms with threads of their own. gcc 12's ThreadSanitizer wants an address space without randomness, where it may be had.
stage_threads() {
    export TSAN_OPTIONS=halt_on_error=1
    if setarch -R true 2>/dev/null; then plainly='setarch -R'; fi
    build build-tsan -Dbench=false -Db_lto=false -Doptimization=1 -Db_sanitize=thread -- unit-base unit-store &&
        unit_tests build-tsan base store
}

# Other versions lay some lines out differently, and find other faults, some of which are none; those of Debian 12 are the
# reference. is_reference VERSION COMMAND
is_reference() {
    version=$("$2" --version | sed -n 's/.*[vV]ersion //p; s/^Cppcheck //p' | head -n 1)
    case $version in "$1" | "$1".*) return 0 ;; esac
    echo "skipped: $2 $1 is the reference, this is $version"
    return 1
}

stage_format() {
    is_reference 14 clang-format || return 0
    sources | each clang-format --dry-run --Werror
}

# It reads the flags of gcc's build, some of which clang does not know. The value that base/error.h tells it is often unused.
# The analyzer follows so many states of a function: nearly all of its time goes where there are more. Long runs follow
# the default, 225,000.
stage_tidy() {
    is_reference 14 clang-tidy || return 0
    nodes=${TEST_LONG:+225000}
    find src -name '*.c' | sort |
        each clang-tidy -p build --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option \
            --extra-arg=-Wno-unused-value --extra-arg=-Xclang --extra-arg=-analyzer-config \
            --extra-arg=-Xclang --extra-arg=max-nodes="${nodes:-10000}"
}

# Shifting a negative number is arithmetic in gcc and clang, and in the next C.
stage_cppcheck() {
    is_reference 2.10 cppcheck || return 0
    find src -name '*.c' | sort | each cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c -D_GNU_SOURCE -DGATEHOUSE_VERSION='""' -Isrc \
        --enable=warning,performance,portability --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=shiftTooManyBitsSigned
}

# What hangs must not keep the stages after it from being seen: no run of tests takes longer than this many seconds.
limit=${TEST_LONG:+14400} limit=${limit:-1500}

# limited COMMAND...: with all that it started it ends then, and answers 124. The processes of that moment say what hung.
limited() {
    (
        sleep $((limit - 5)) &
        trap "kill $!; exit" TERM
        wait $!
        ps -eo pid,ppid,etimes,stat,args --forest | grep -v ' \[' | cut -c 1-200 >build/test-logs/late
    ) &
    watch=$!
    timeout --kill-after=10 "$limit" "$@" && status=0 || status=$?
    kill $watch 2>/dev/null || true
    wait $watch || true
    return $status
}

said_late() {
    cat build/test-logs/late
    echo "ended after $limit s: above is what ran then"
}

# What failed, once more: after a thousand lines of what passed nobody finds it, and CI keeps only the end.
said_failed() { awk '/^ *not ok /{said = 1; lines = 0} said && ++lines <= 40; /^ *\.\.\.$/{said = 0}' "$tap"; }

# node_tests [-N] FOLDER...: what lies there as *.test.ts, so many files at once; then, one by one, those that say in a line
# "// Alone: why" that they look at times.
node_tests() {
    case $1 in -[0-9]*) at_once=${1#-} && shift ;; *) at_once=1 ;; esac
    files=$(for folder in "$@"; do find "tests/$folder" -maxdepth 1 -name '*.test.ts' 2>/dev/null; done | sort)
    [ -n "$files" ] || { echo 'skipped: nothing there yet'; return; }
    alone=$(grep -l '^// Alone: ' $files) || true
    together=$(echo "$files" | grep -vxF "${alone:-none}") || true
    : >"$tap"
    outcome=0
    [ -z "$together" ] || node_files "$at_once" $together || outcome=$?
    [ $outcome = 124 ] || [ -z "$alone" ] || node_files 1 $alone || outcome=$?
    cat "$tap"
    [ $outcome != 124 ] || { said_late; return 1; }
    [ $outcome = 0 ] || said_failed
    sum "$(of_tap pass)" $(($(of_tap fail) + $(of_tap cancelled)))
    return $outcome
}

node_files() {
    at_once=$1
    shift
    limited "$node" --disable-warning=ExperimentalWarning --test --test-concurrency="$at_once" --test-timeout=$((limit * 1000 / 3)) \
        --test-reporter=tap "$@" >>"$tap" 2>&1
}

# of_tap WORD: how many tests the runs of node did so with.
of_tap() { awk -v word="$1" '$1 == "#" && $2 == word { sum += $3 } END { print sum + 0 }' "$tap"; }

# own_runner FOLDER [FILES]: a folder with a runner of its own has a program `run`, whose last line is the sum; else FILES of
# it at once. Long runs have TEST_LONG=1.
own_runner() {
    [ -x "tests/$1/run" ] || { node_tests "-${2-1}" "$1"; return; }
    PATH=$(dirname "$node"):$PATH limited "tests/$1/run" && return
    status=$?
    [ $status != 124 ] || said_late
    return $status
}

stage_lint() { node_tests lint scenarios/runner; }
stage_scenarios() { own_runner scenarios; }
stage_api() { own_runner api; }
stage_schema() { own_runner schema; }
stage_conformance() { with_sanitizers conformance-server conformance-client && own_runner conformance 3; }
stage_e2e() { own_runner e2e 2; }
stage_fault() { with_sanitizers gatehouse gatehouse-helper && own_runner fault 3; }
stage_fuzz() { script/fuzz 30; }
