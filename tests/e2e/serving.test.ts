// How Gatehouse starts, whom it lets in, and how it ends: what keeps the home and the port its user's own.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { atEnd, answersAs, built, finish, House, house, post, run, until, upstream } from './harness.ts';

const mode = (path: string) => statSync(path).mode & 0o777;

test('a home that others may enter is refused, in words that mend it', { timeout: 60000 }, async (t) => {
    const { home } = new House(t);
    for (const open of [0o750, 0o710, 0o705, 0o701]) {
        chmodSync(home, open);
        const { code, stderr } = await finish(built('gatehouse'), ['serve', '--home', home, '--port', '0']);
        equal(code, 4); // not allowed
        match(stderr, /others may enter the home .*: close it with `gatehouse doctor --fix`/);
        deepEqual([existsSync(join(home, 'token')), mode(home)], [false, open]); // nothing was put there, or changed
    }
});

test('files of the home that others may read are closed at the start, and said', { timeout: 30000 }, async (t) => {
    const gatehouse = new House(t);
    const names = ['mcp.json', 'token', 'gatehouse.yaml'];
    gatehouse.register({});
    writeFileSync(join(gatehouse.home, 'token'), 'gh_local_x\n');
    writeFileSync(join(gatehouse.home, 'gatehouse.yaml'), '');
    for (const [i, name] of names.entries()) chmodSync(join(gatehouse.home, name), [0o640, 0o604, 0o660][i]!);

    await gatehouse.start();
    for (const name of names) {
        equal(mode(join(gatehouse.home, name)), 0o600);
        ok(gatehouse.said.includes(`${name} could be read by others: closed to them`), gatehouse.said);
    }
    for (const name of ['traffic.db', 'daemon.json']) equal(mode(join(gatehouse.home, name)), 0o600);
    equal(mode(join(gatehouse.home, 'keys')), 0o700);
});

test('it does not start beside somebody on the same port of the other loopback', { timeout: 30000 }, async (t) => {
    const other = createServer().listen(0, '::1');
    const error = await new Promise<unknown>((resolve) => other.on('listening', () => resolve(undefined)).on('error', resolve));
    atEnd(t, () => other.close());
    if (error !== undefined) return void t.skip('this machine has no ::1');
    const { port } = other.address() as AddressInfo;
    const { home } = new House(t);

    const { code, stdout, stderr } = await finish(built('gatehouse'), ['serve', '--home', home, '--port', String(port)], 10000);
    deepEqual([code, stdout], [1, '']);
    match(stderr, new RegExp(`port ${port} is taken`));
});

test('SIGHUP reads the settings again: says what counts now, and what wants a restart', { timeout: 60000 }, async (t) => {
    const gatehouse = new House(t);
    const write = (text: string) => writeFileSync(join(gatehouse.home, 'gatehouse.yaml'), text, { mode: 0o600 });
    const ask = async (headers = {}, path = '/readyz', body?: string) =>
        (await fetch(`http://127.0.0.1:${gatehouse.port}${path}`, { headers: { 'content-type': 'application/json', ...headers }, ...(body && { method: 'POST', body }) })).status;
    const said = async (what: RegExp) => {
        const before = gatehouse.said.length;
        gatehouse.kill('SIGHUP');
        await until(`it says ${what}`, 20000, () => what.test(gatehouse.said.slice(before)));
        return gatehouse.said.slice(before);
    };
    gatehouse.register({ echo: { url: await upstream(t, answersAs('echo')) } });
    write('http.header_bytes: 2KiB\nretention.age: 1d\n');
    await gatehouse.start({ GATEHOUSE_STDIO_QUEUE: '1MiB' });
    const long = { 'x-long': 'x'.repeat(3000) };
    const call = (padding: number) => ask({}, '/s/echo/mcp', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { padding: 'x'.repeat(padding) } }));
    deepEqual([await ask(), await ask(long), await call(3000)], [200, 431, 200]);

    write('http.header_bytes: 8KiB\nhttp.body_bytes: 2KiB\nhttp.allowed_hosts: gate.example\nstdio.queue: 2MiB\nport: 4444\ncapture.enabled: off\nretention.size: 16MiB\n');
    const changes = await said(/retention\.size is .*\n/);
    for (const change of [
        /info http\.header_bytes is "8KiB" now; it was "2KiB"\n/,
        /info http\.body_bytes is "2KiB" now; it was "10MiB"\n/,
        /info http\.allowed_hosts is "gate\.example" now; it was ""\n/,
        /warn capture\.enabled stays "on": "off" wants a restart\n/,
        /info retention\.age is "30d" now; it was "1d"\n/,
        /info retention\.size is "16MiB" now; it was "5GiB"\n/,
    ])
        match(changes, change);
    ok(!/port|stdio\.queue/.test(changes), `the command line and the environment win, as at the start: ${changes}`);
    await until('the limits are the new ones', 20000, async () => (await ask(long)) === 200 && (await call(3000)) === 413);
    equal(await call(30), 200);

    write('http.idle: 30\nhttp.header_bytes: 4KiB\n');
    await said(/warn gatehouse\.yaml:1 http\.idle is "30"; it must be .*; the settings stay as they were\n/);
    equal(await ask(long), 200);
    write('http.header_bytes: 8KiB\nhttp.body_bytes: 2KiB\nhttp.allowed_hosts: gate.example\nretention.size: 16MiB\n');
    await said(/info gatehouse\.yaml was read again: no setting is other\n/);
    rmSync(join(gatehouse.home, 'gatehouse.yaml'));
    gatehouse.kill('SIGHUP'); // twice at once, and while it may be reading
    match(await said(/retention\.size is "5GiB" now/), /http\.allowed_hosts is "" now; it was "gate\.example"/);
    equal(await call(3000), 200);
    equal(await gatehouse.stop(), 'exit code 0');
});

test("another user's process is turned away before it says anything", { timeout: 30000 }, async (t) => {
    if (process.getuid!() !== 0) return void t.skip('needs root, to become another user');
    const seen: string[] = [];
    const url = await upstream(t, (incoming, answer, body) => (seen.push(body), answersAs('echo')(incoming, answer, body)));
    const gatehouse = await house(t, { echo: { url } });
    const ask = (...as: string[]) =>
        finish(as[0] ?? 'curl', [...as.slice(1), ...(as.length > 0 ? ['curl'] : []), '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Content-Type: application/json', '-d',
            '{"jsonrpc":"2.0","id":1,"method":"ping"}', gatehouse.url('echo')]);

    equal((await ask()).stdout, '200');
    equal(seen.length, 1);
    equal((await ask('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')).stdout, '403');
    equal((await finish('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'curl', '-s', '-w', '%{http_code}', `http://127.0.0.1:${gatehouse.port}/healthz`])).stdout, '403');
    equal(seen.length, 1);
});

test('draining has an end: who still waits then is told', { timeout: 60000 }, async (t) => {
    let arrived = false;
    const url = await upstream(t, () => (arrived = true)); // and never answers
    const gatehouse = await house(t, { silent: { url, timeout: 60000 } }, { GATEHOUSE_DRAIN: '500ms' });
    const call = post(gatehouse.url('silent'), 'tools/call', { name: 'x' });

    await until('the call', 10000, () => arrived);
    const asked = performance.now();
    ok(existsSync(join(gatehouse.home, 'daemon.json')));
    equal(await gatehouse.stop(), 'exit code 0');
    ok(performance.now() - asked < 15000);
    match((await call).message.error?.message ?? '', /shut/);
    equal(existsSync(join(gatehouse.home, 'daemon.json')), false); // nobody is sent to one that has ended
});

test('with the disk full and on_full refuse no call passes unrecorded', { timeout: 60000 }, async (t) => {
    if ((await finish('unshare', ['-m', 'true'])).code !== 0) return void t.skip('needs a mount namespace');
    const seen: string[] = [];
    const url = await upstream(t, (incoming, answer, body) => (seen.push(body), answersAs('echo')(incoming, answer, body)));

    for (const onFull of ['refuse', 'pass']) {
        const it = new House(t);
        const prepare = `mount -t tmpfs -o size=48m,mode=0700 none ${it.home}; echo '{"mcpServers":{"echo":{"url":"${url}"}}}' >${it.home}/mcp.json; exec "$@"`;
        const program = run(t, 'unshare', ['-m', '--propagation', 'private', 'sh', '-ec', prepare, 'sh', built('gatehouse'), 'serve', '--home', it.home, '--port', '0'], {
            GATEHOUSE_CAPTURE_ON_FULL: onFull,
        });
        it.port = Number(await until('its URL', 20000, () => /http:\/\/localhost:(\d+).*\n/.exec(program.stdout)?.[1]));
        const { status, message } = await post(it.url('echo'), 'ping');
        if (onFull === 'pass') deepEqual([status, seen.length], [200, 1]);
        else {
            deepEqual([status, seen.length], [503, 0]);
            match(message.error?.message ?? '', /cannot be recorded, the disk being full/);
        }
        program.child.kill('SIGTERM');
        equal(await program.ended, 'exit code 0');
    }
});
