#!/bin/sh
# The load generator against the echo servers: it counts right answers, and it notices wrong ones.
#   self_test.sh LOAD ECHO_HTTP ECHO_STDIO ECHO_SERVICE STREAMS ASK
set -eu
load=$1 echo_http=$2 echo_stdio=$3 echo_service=$4 streams=$5 ask=$6
dir=$(mktemp -d)
trap 'kill $servers 2>/dev/null || true; rm -rf "$dir"' EXIT
servers=

serve() { # NAME OPTION...: starts a server; its URL is then in $url
    name=$1
    shift
    start "$echo_http" --keep "$@"
}

start() { # PROGRAM OPTION...
    "$@" >"$dir/$name" &
    servers="$servers $!"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -s "$dir/$name" ] && break
        sleep 0.1
    done
    url=$(cat "$dir/$name")
}

fail() {
    echo "self_test: $*" >&2
    exit 1
}

serve sessions --sessions
"$load" --url "$url" --session per-connection --connections 32 --calls 2000 --ids "$dir/ids"
[ "$(sort -u "$dir/ids" | wc -l)" = 2000 ] || fail "2000 answered calls have 2000 ids"
"$load" --url "$url" --session per-connection --connections 4 --calls 100 --size 200000
"$load" --url "$url" --session per-connection --method ping --calls 100
if "$load" --url "$url" --calls 10 2>/dev/null; then fail "calls without a session went through"; fi

serve plain
"$load" --url "$url" --connections 3 --calls 100 --size 1024
serve sse --sessions --sse
"$load" --url "$url" --session per-connection --connections 8 --calls 1000
"$load" --url "$url" --session per-connection --connections 2 --calls 50 --size 200000

serve wrong --wrong-every 100
"$load" --url "$url" --connections 4 --calls 1000 --json >"$dir/wrong.json" 2>/dev/null && fail "wrong answers were taken for right"
grep -q '"calls":990,"errors":10,' "$dir/wrong.json" || fail "10 of 1000 answers are wrong: $(cat "$dir/wrong.json")"

name=service
start "$echo_service"
"$load" --url "$url" --session per-connection --connections 4 --calls 500 --open-sessions 50
"$load" --url "$url" --session modern --connections 4 --calls 500 --size 600
"$load" --url "$url" --session modern --method tools/list --calls 50
for era in legacy modern; do
    "$streams" --url "$url" --count 20 --era $era </dev/null >"$dir/streams"
    grep -qx "20 open, 0 failed" "$dir/streams" || fail "20 idle streams of the $era era: $(cat "$dir/streams")"
done

lines=$(printf '%s\n%s\r\n%s' '{"jsonrpc":"2.0","id":1,"method":"ping"}' '{"jsonrpc":"2.0","method":"notifications/initialized"}' \
    '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"x\"y"}}}' | "$echo_stdio" | wc -l)
[ "$lines" = 2 ] || fail "two requests and a notification have two answers, not $lines"

printf 'echo\t{"text":"one"}\necho\t{"text":"two"}\n' >"$dir/calls"
"$ask" --calls "$dir/calls" --url "$url" >"$dir/asked" || fail "two calls over HTTP"
grep -q '"calls":2,"errors":0,' "$dir/asked" || fail "two calls are right: $(cat "$dir/asked")"
"$ask" --calls "$dir/calls" -- "$echo_stdio" >/dev/null || fail "two calls of a command"
printf 'echo\t{"text":7}\n' >"$dir/calls"
if "$ask" --calls "$dir/calls" --url "$url" >/dev/null 2>&1; then fail "a wrong argument went through"; fi
