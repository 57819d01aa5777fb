// Another user of the machine: reaches loopback and /proc, and gets nothing. Only root can play one.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { atEnd, House, answersAs, descendants, finish, open, post, script, until, upstream } from '../e2e/harness.ts';

const skip = process.getuid?.() === 0 ? false : 'only root can play another user';
const LIMIT = { timeout: 60000, skip };

/** A shell of the user `nobody`, without any group or capability of ours. */
const asNobody = (command: string) => finish('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all', 'sh', '-c', command], 30000);

/** Everything in the home that another may read, write or enter, the home itself too. */
function openToOthers(path: string): string[] {
    const info = lstatSync(path);
    const inside = info.isDirectory() ? readdirSync(path).flatMap((name) => openToOthers(join(path, name))) : [];
    return (info.mode & 0o077) === 0 || info.isSymbolicLink() ? inside : [`${path} ${(info.mode & 0o777).toString(8)}`, ...inside];
}

test('another user calls nothing, starts nothing and is served nothing', LIMIT, async (t) => {
    const heard: string[] = [];
    const url = await upstream(t, (incoming, answer, body) => (heard.push(body), answersAs('up')(incoming, answer, body)));
    const gatehouse = new House(t);
    const mark = join(gatehouse.home, 'mark');
    gatehouse.register({ up: { url }, child: script(`require('fs').writeFileSync(${JSON.stringify(mark)}, '')`) });
    await gatehouse.start();
    const call = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"nobody","version":"1"}}}`;
    const curl = `curl -s -m 5 -o /dev/null -w '%{http_code} '`;
    const tries = ['127.0.0.1', '[::1]'].flatMap((host) =>
        ['/s/up/mcp', '/s/child/mcp', '/api/servers', '/healthz', '/'].flatMap((path) => [
            `${curl} http://${host}:${gatehouse.port}${path}`,
            `${curl} -H 'content-type: application/json' -d '${call}' http://${host}:${gatehouse.port}${path}`,
            `${curl} -H 'authorization: Bearer ${gatehouse.token}' http://${host}:${gatehouse.port}${path}`,
        ]),
    );
    const { stdout } = await asNobody(tries.join(';'));
    deepEqual([...new Set(stdout.trim().split(' '))], ['403']);

    // Who writes and is gone before the accept: the gateway stands still meanwhile.
    gatehouse.kill('SIGSTOP');
    const request = `POST /s/%s/mcp HTTP/1.1\\r\\nHost: localhost:${gatehouse.port}\\r\\nContent-Type: application/json\\r\\nAccept: application/json, text/event-stream\\r\\nContent-Length: ${call.length}\\r\\n\\r\\n${call}`;
    for (const name of ['up', 'child']) {
        const { code } = await asNobody(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/${gatehouse.port}; printf "${request.replaceAll('"', '\\"').replace('%s', name)}" >&3'`);
        equal(code, 0);
    }
    await asNobody('sleep 0.2'); // the kernel acknowledges what is closed within 40 ms; then it has forgotten the owner
    gatehouse.kill('SIGCONT');

    const session = await open(gatehouse.url('up')); // comes after them in the queue
    equal((await post(gatehouse.url('up'), 'ping', {}, session)).status, 200);
    await until('the record', 20000, () => gatehouse.sql('SELECT 1 FROM exchange').length >= 2);
    equal(gatehouse.sql('SELECT 1 FROM exchange').length, 2, 'ours alone');
    equal(heard.length, 2);
    ok(!existsSync(mark));
});

test('another user reads nothing of the home and of the processes, and ends none', LIMIT, async (t) => {
    const gatehouse = new House(t);
    const secret = 'kept-from-others';
    gatehouse.register({ child: { ...script('process.stdin.resume()'), env: { API_KEY: secret } } });
    const before = process.umask(0); // the worst that a start may find
    await gatehouse.start({ GATEHOUSE_LOG_LEVEL: 'info' }).finally(() => process.umask(before));
    const waits = new AbortController(); // the child never answers
    atEnd(t, () => waits.abort());
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hand', version: '1' } };
    void post(gatehouse.url('child'), 'initialize', hello, {}, waits.signal).catch(() => {});
    await until('helper and child', 20000, () => descendants(gatehouse.pid).length >= 2);
    process.umask(0);
    await gatehouse.command('add', 'later', 'http://127.0.0.1:1/mcp', '--no-try').finally(() => process.umask(before));
    const pids = [gatehouse.pid, ...descendants(gatehouse.pid).map(({ pid }) => pid)];

    ok(existsSync(join(gatehouse.home, 'traffic.db-wal')));
    deepEqual(openToOthers(gatehouse.home), []);
    chmodSync(gatehouse.home, 0o711); // even if the directory could be entered, the files are closed
    const files = readdirSync(gatehouse.home).filter((name) => name !== 'keys').map((name) => join(gatehouse.home, name));
    const proc = pids.flatMap((pid) => ['environ', 'mem', 'maps', 'fd/0', 'fd/1', 'fd/3', 'cwd/.'].map((name) => `/proc/${pid}/${name}`));
    for (const path of [...files, ...proc]) {
        const { stdout, code } = await asNobody(`head -c 1 ${path} 2>/dev/null || ls ${path}/ 2>/dev/null; printf x 2>/dev/null >>${path}`);
        ok(stdout === '' && code !== 0, `${path}: ${stdout}`);
    }
    chmodSync(gatehouse.home, 0o700);
    for (const pid of pids) ok((await asNobody(`kill -9 ${pid}`)).code !== 0);
    const { stdout } = await asNobody(`cat ${pids.map((pid) => `/proc/${pid}/cmdline`).join(' ')} | tr '\\0' ' '`);
    ok(!stdout.includes(secret) && !stdout.includes(gatehouse.token), 'a command line, which all may read, holds no secret');
    deepEqual(descendants(gatehouse.pid).map(({ pid }) => pid), pids.slice(1));
});

test('a home that others may enter is refused, and closed by doctor --fix', LIMIT, async (t) => {
    const gatehouse = new House(t);
    mkdirSync(join(gatehouse.home, 'keys'), { mode: 0o755 });
    for (const name of ['mcp.json', 'token', 'gatehouse.yaml', 'keys/session']) writeFileSync(join(gatehouse.home, name), '', { mode: 0o644 });
    writeFileSync(join(gatehouse.home, 'token'), 'mine\n');
    chmodSync(gatehouse.home, 0o755);
    let refusal = '';
    await gatehouse.start().catch((error: Error) => (refusal = error.message));
    match(refusal, /others may enter the home/);
    equal((await asNobody(`cat ${gatehouse.home}/token`)).stdout, 'mine\n', 'which is why');
    await gatehouse.command('doctor', '--fix');
    writeFileSync(join(gatehouse.home, 'keys/session'), 'x'.repeat(32));
    await gatehouse.start().catch((error: Error) => (refusal = error.message));
    deepEqual(openToOthers(gatehouse.home), []);
});
