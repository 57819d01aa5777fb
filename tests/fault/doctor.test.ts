// What `gatehouse doctor` says of a machine on which something weakens a promise. Each condition is made real: a home with
// other modes, a mount in a namespace of its own, a limit, a kernel without a system call.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, rmdirSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, answersAs, built, finish, house, open, post, run, until, upstream } from '../e2e/harness.ts';

type Finding = { finding: 'good' | 'odd' | 'bad'; text: string; mend: string | null };
type Result = { code: number; all: Finding[]; text: string };

const NOBODY = 65534;
const isRoot = process.getuid!() === 0;
let hasNamespaces = false;

before(async () => {
    hasNamespaces = (await finish('unshare', ['-m', 'true'])).code === 0;
});

const needsRoot = (t: TestContext) => isRoot || (t.skip('needs root'), false);
const needsNamespaces = (t: TestContext) => hasNamespaces || (t.skip('needs a mount namespace: root, or unprivileged user namespaces'), false);

function folder(t: TestContext): string {
    const path = mkdtempSync(join(tmpdir(), 'gatehouse-doctor-'));
    atEnd(t, () => rmSync(path, { recursive: true, force: true }));
    return path;
}

const registry = (servers: object) => JSON.stringify({ mcpServers: servers });

function homeWith(t: TestContext, servers: object): string {
    const home = folder(t);
    writeFileSync(join(home, 'mcp.json'), registry(servers), { mode: 0o600 });
    return home;
}

/** Runs doctor; `around` are a command and its arguments that run what stands behind them. */
async function doctor(home: string, { around = [] as string[], env = {}, args = [] as string[], program = built('gatehouse') } = {}): Promise<Result> {
    const [file, ...rest] = [...around, program, 'doctor', '--json', '--home', home, ...args];
    const asBuilt = { GATEHOUSE_PORT: '0', ASAN_OPTIONS: 'disable_coredump=0:verify_asan_link_order=0' }; // of a build with sanitizers
    const { code, stdout, stderr } = await finish(file!, rest, 60000, { ...asBuilt, ...env });
    try {
        return { code, all: JSON.parse(stdout), text: stdout };
    } catch {
        throw new Error(`exit ${code}, and no JSON: ${stdout}${stderr}`);
    }
}

/** In a mount namespace of its own, behind what `sh` says. */
const behind = (commands: string) => ['unshare', '-m', '--propagation', 'private', 'sh', '-ec', `${commands}\nexec "$@"`, 'sh'];

function find(result: Result, pattern: RegExp): Finding {
    const found = result.all.find(({ text }) => pattern.test(text));
    ok(found, `nothing says ${pattern}: ${result.all.map(({ finding, text }) => `${finding} ${text}`).join('\n')}`);
    return found;
}

/** Says it as wrong, with such a mend, and fails. */
function bad(result: Result, pattern: RegExp, mend?: RegExp): void {
    const found = find(result, pattern);
    equal(found.finding, 'bad', found.text);
    equal(result.code, 1);
    if (mend) match(found.mend ?? '', mend);
}

function odd(result: Result, pattern: RegExp, mend?: RegExp): void {
    const found = find(result, pattern);
    equal(found.finding, 'odd', found.text);
    if (mend) match(found.mend ?? '', mend);
}

const none = (result: Result, pattern: RegExp) => deepEqual(result.all.filter(({ text }) => pattern.test(text)), []);
const bads = (result: Result) => result.all.filter(({ finding }) => finding === 'bad');
const mode = (path: string) => statSync(path).mode & 0o777;

// The home ----------------------------------------------------------------------------------------------------------

test('with nothing wrong the exit code is 0, and what people ask about is said', async (t) => {
    const home = homeWith(t, { files: { command: process.execPath } });
    const result = await doctor(home);

    deepEqual(bads(result), []);
    equal(result.code, 0);
    for (const good of [/is yours alone/, /^mcp.json: 1 server, nothing wrong/, /^database/, /^disk/, /^port/, /only you and root may connect/, /children can be ended whole/])
        equal(find(result, good).finding === 'bad', false);
});

test('words and signs are those of the manual, a line each with its mend below', async (t) => {
    const home = homeWith(t, {});
    chmodSync(home, 0o755);
    const { code, stdout } = await finish(built('gatehouse'), ['doctor', '--home', home], 60000, { GATEHOUSE_PORT: '0' });

    equal(code, 1);
    ok(stdout.startsWith(`✗ home ${home} may be entered by others\n    Mend: gatehouse doctor --fix\n`), stdout);
    for (const line of stdout.trimEnd().split('\n')) match(line, /^(✓|!|✗) \S|^    Mend: \S/);
});

test('a home that others may enter is wrong, and --fix closes it', async (t) => {
    const home = homeWith(t, {});
    for (const open of [0o755, 0o750, 0o711, 0o701]) {
        chmodSync(home, open);
        bad(await doctor(home), /may be entered by others/, /^gatehouse doctor --fix$/);
        const fixed = await doctor(home, { args: ['--fix'] });
        equal(mode(home), 0o700);
        equal(fixed.code, 0);
        equal(find(fixed, /is yours alone, now/).finding, 'good');
    }
});

test('a file of the home that others may read is wrong, and --fix closes it', async (t) => {
    const home = homeWith(t, {});
    const names = ['token', 'mcp.json', 'traffic.db', 'gatehouse.yaml'];
    for (const name of names) {
        if (name !== 'mcp.json') writeFileSync(join(home, name), '');
        for (const wide of [0o640, 0o604, 0o660]) {
            chmodSync(join(home, name), wide);
            bad(await doctor(home), new RegExp(`^${name} may be read by your group or others`), /--fix/);
        }
    }
    const fixed = await doctor(home, { args: ['--fix'] });
    for (const name of names) {
        equal(mode(join(home, name)), 0o600);
        equal(find(fixed, new RegExp(`^${name} could be read by others: closed`)).finding, 'good');
    }
    none(await doctor(home), /may be read/);
});

test('a link out of the home to what others may read or change is wrong; it is not ours to close', async (t) => {
    const [home, elsewhere] = [folder(t), folder(t)];
    const target = join(elsewhere, 'dotfiles.json');
    writeFileSync(target, registry({}));
    symlinkSync(target, join(home, 'mcp.json'));

    chmodSync(target, 0o644);
    bad(await doctor(home, { args: ['--fix'] }), /^mcp.json is a link to .*dotfiles.json, which others may read/, /^chmod 600 .*dotfiles.json/);
    chmodSync(target, 0o666);
    bad(await doctor(home), /which others may change/, /^chmod go-w .*dotfiles.json/);
    equal(mode(target), 0o666);
    chmodSync(target, 0o600);
    none(await doctor(home), /is a link/);
    chmodSync(elsewhere, 0o777);
    bad(await doctor(home), /which others may change/, new RegExp(`^chmod go-w ${elsewhere}`));
});

test('who may write above the home could exchange it', async (t) => {
    const above = folder(t);
    const home = join(above, 'home');
    mkdirSync(home, { mode: 0o700 });

    chmodSync(above, 0o777);
    bad(await doctor(home), /others may write to .*, above the home/, new RegExp(`^chmod go-w ${above}`));
    chmodSync(above, 0o1777); // as /tmp
    none(await doctor(home), /above the home/);
    chmodSync(above, 0o755);
    none(await doctor(home), /above the home/);
});

test('a home or a file of another user is wrong', async (t) => {
    if (!needsRoot(t)) return;
    const home = homeWith(t, {});
    writeFileSync(join(home, 'token'), 'x', { mode: 0o600 });
    chownSync(join(home, 'token'), NOBODY, NOBODY);
    bad(await doctor(home), /^token belongs to another user \(uid 65534\)/, /^chown 0 /);
    chownSync(home, NOBODY, NOBODY);
    bad(await doctor(home), /^home .* belongs to another user \(uid 65534\)/);
});

test('as root every server is root', async (t) => {
    if (!needsRoot(t)) return;
    const home = homeWith(t, {});
    odd(await doctor(home), /this is root/);

    const place = folder(t); // where nobody may go
    chmodSync(place, 0o755);
    for (const name of ['gatehouse', 'gatehouse-helper']) copyFileSync(built(name), join(place, name));
    chownSync(home, NOBODY, NOBODY);
    chownSync(join(home, 'mcp.json'), NOBODY, NOBODY);
    const around = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const result = await doctor(home, { around, program: join(place, 'gatehouse') });
    none(result, /this is root/);
    deepEqual(bads(result), []);
});

test('in a user namespace that hides the owners of files, nobody is suspected of being another', async (t) => {
    if (!needsRoot(t)) return;
    const [place, home] = [folder(t), homeWith(t, { mine: { command: '/bin/sh' } })];
    chmodSync(place, 0o755);
    for (const name of ['gatehouse', 'gatehouse-helper']) copyFileSync(built(name), join(place, name));
    for (const path of [home, join(home, 'mcp.json')]) chownSync(path, 1234, 1234);
    const around = ['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups', 'unshare', '-U', '-r'];
    if ((await finish(around[0]!, [...around.slice(1), 'true'])).code !== 0) return void t.skip('needs unprivileged user namespaces');
    deepEqual(bads(await doctor(home, { around, program: join(place, 'gatehouse') })), []);
});

// What it lies on ---------------------------------------------------------------------------------------------------

test('a home in memory is odd, one without room for the record is wrong', async (t) => {
    if (!needsNamespaces(t)) return;
    const home = folder(t);
    const on = (size: string) => behind(`mount -t tmpfs -o size=${size},mode=0700 none ${home}`);

    odd(await doctor(home, { around: on('6g') }), /^the home is in memory \(tmpfs\)/, /--home/);
    bad(await doctor(home, { around: on('32m') }), /^disk: 3\d MB free, too little to record calls/);
    odd(await doctor(home, { around: on('300m') }), /^disk: 31\d MB free, but retention.size lets 5GiB be kept/, /retention.size/);
    odd(await doctor(home, { around: on('300m'), env: { GATEHOUSE_RETENTION_SIZE: '100MiB' } }), /^disk: 31\d MB free$/);
    equal(find(await doctor(home, { around: on('6g') }), /^disk/).finding, 'good');
});

test('a home on an overlay, as in a container, is odd', async (t) => {
    if (!needsNamespaces(t)) return;
    const home = folder(t);
    const layers = `mount -t tmpfs none /mnt && mkdir -m 700 /mnt/l /mnt/u /mnt/w && mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w none ${home}`;
    if ((await finish('unshare', ['-m', 'sh', '-ec', layers])).code !== 0) return void t.skip('this kernel has no overlay');
    odd(await doctor(home, { around: behind(layers) }), /^the home is on an overlay/, /--home/);
});

test('a home that is read-only is wrong', async (t) => {
    if (!needsNamespaces(t)) return;
    const home = homeWith(t, {});
    bad(await doctor(home, { around: behind(`mount --bind ${home} ${home} && mount -o remount,ro,bind ${home}`) }), /file system that is read-only/);
});

// The record --------------------------------------------------------------------------------------------------------

test('a damaged database is wrong', async (t) => {
    const gatehouse = await house(t, { echo: { url: await upstream(t, answersAs('echo')) } });
    for (let i = 0; i < 30; i++) await post(gatehouse.url('echo'), 'tools/call', { name: 'x', arguments: { text: 'y'.repeat(2000) } });
    await gatehouse.stop();
    equal(find(await doctor(gatehouse.home), /^database whole/).finding, 'good');

    const path = join(gatehouse.home, 'traffic.db');
    const fd = openSync(path, 'r+');
    for (let at = 4096; at + 4096 <= statSync(path).size; at += 4096) writeSync(fd, Buffer.alloc(512, 0xa5), 0, 512, at);
    bad(await doctor(gatehouse.home), /^database/);
});

test('calls of the future tell of a wrong clock', async (t) => {
    const gatehouse = await house(t, { echo: { url: await upstream(t, answersAs('echo')) } });
    await post(gatehouse.url('echo'), 'ping');
    await gatehouse.stop();
    none(await doctor(gatehouse.home), /in the future/);
    gatehouse.sql('UPDATE exchange_row SET id = id + (40 * 86400 * 1000000 << 10)');
    odd(await doctor(gatehouse.home), /^the newest call on record is of 20.*Z, in the future/, /timedatectl/);
});

test('several gateways on one home are counted', async (t) => {
    const first = await house(t, {});
    none(await doctor(first.home), /gateways run/);
    const second = run(t, built('gatehouse'), ['serve', '--home', first.home, '--port', '0']);
    await until('the second', 20000, () => /http:\/\/localhost:(\d+).*\n/.exec(second.stdout)?.[1]);

    const result = await doctor(first.home);
    odd(result, new RegExp(`^2 gateways run on this home; the command line asks the one on port ${new URL(first.url('any')).port}`), /--home/);
    const [major, minor, patch] = execFileSync('sqlite3', ['--version'], { encoding: 'utf8' }).split(' ')[0]!.split('.').map(Number);
    const isMended = major === 3 && (minor! > 51 || (minor === 51 && patch! >= 3) || (minor === 50 && patch! >= 7) || (minor === 44 && patch! >= 6));
    if (isMended) none(result, /^SQLite/);
    else odd(result, /^SQLite 3\.\S+ may, very rarely, damage/, /3\.51\.3/);
    second.child.kill('SIGTERM');
    await second.ended;
    await sleep(50);
    none(await doctor(first.home), /gateways run/);
});

// Servers -----------------------------------------------------------------------------------------------------------

function program(path: string, permissions = 0o755): string {
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, permissions);
    return path;
}

test('a command that is not there, or may not be run, is wrong', async (t) => {
    const place = folder(t);
    const home = homeWith(t, {
        lost: { command: 'gatehouse-no-such-command' },
        gone: { command: join(place, 'gone') },
        data: { command: program(join(place, 'data'), 0o644) },
        folder: { command: place },
        astray: { command: process.execPath, cwd: join(place, 'nowhere') },
        off: { command: 'gatehouse-no-such-command', enabled: false },
    });
    const result = await doctor(home);
    bad(result, /^lost needs gatehouse-no-such-command, which is not found in PATH/);
    for (const name of ['gone', 'data', 'folder']) bad(result, new RegExp(`^${name} needs .*, which is not there or may not be run`));
    bad(result, /^astray is to run in .*nowhere, which cannot be entered/);
    none(result, /^off/);
});

test('a command is looked for in the PATH that its server will have', async (t) => {
    const place = folder(t);
    program(join(place, 'my-server'));
    const home = homeWith(t, { mine: { command: 'my-server', env: { PATH: `${place}:/usr/bin:/bin` } }, other: { command: 'my-server' } });
    const result = await doctor(home);
    none(result, /^mine/);
    bad(result, /^other needs my-server/);
});

test('a command that others may exchange is wrong', async (t) => {
    const place = folder(t);
    const bin = join(place, 'bin');
    mkdirSync(bin);
    const home = homeWith(t, { mine: { command: program(join(bin, 'server')) } });

    none(await doctor(home), /^mine/);
    chmodSync(join(bin, 'server'), 0o777);
    bad(await doctor(home), /^mine runs .*bin\/server, and others may write to .*bin\/server: they could run anything as you/, /^chmod go-w .*bin\/server/);
    chmodSync(join(bin, 'server'), 0o755);
    chmodSync(bin, 0o777);
    bad(await doctor(home), /^mine runs .*, and others may write to .*bin: /, /^chmod go-w .*bin$/);
    chmodSync(bin, 0o755);
    chmodSync(place, 0o777);
    bad(await doctor(home), /^mine runs .*, and others may write to /);
});

test('a directory of PATH before the command into which others may write is wrong, sticky or not', async (t) => {
    const place = folder(t);
    const [early, late] = [join(place, 'early'), join(place, 'late')];
    for (const each of [early, late]) mkdirSync(each);
    program(join(early, 'server'));
    const home = (path: string) => homeWith(t, { mine: { command: 'server', env: { PATH: path } } });

    chmodSync(late, 0o1777);
    none(await doctor(home(`${early}:${late}`)), /^mine/); // found before
    bad(await doctor(home(`${late}:${early}`)), /^mine runs .*early\/server, and others may write to .*late/);
});

test('an envFile that others may read is wrong, and --fix closes it', async (t) => {
    const home = folder(t);
    const secrets = join(folder(t), 'secrets.env');
    writeFileSync(secrets, 'API_KEY=abc\n', { mode: 0o644 });
    writeFileSync(join(home, 'mcp.json'), registry({ mine: { command: process.execPath, envFile: secrets } }), { mode: 0o600 });

    bad(await doctor(home), /^the envFile .*secrets.env may be read by your group or others/, /^chmod 600 .*secrets.env/);
    equal((await doctor(home, { args: ['--fix'] })).code, 0);
    equal(mode(secrets), 0o600);
    none(await doctor(home), /envFile/);
});

test('without certificate authorities no https server can be reached', async (t) => {
    const nowhere = join(folder(t), 'nowhere');
    const env = { SSL_CERT_FILE: nowhere, SSL_CERT_DIR: nowhere };
    bad(await doctor(homeWith(t, { far: { url: 'https://mcp.example.com/mcp' } }), { env }), /^no certificate authorities in .*nowhere/, /ca-certificates/);
    none(await doctor(homeWith(t, { near: { url: 'http://localhost:9000/mcp' } }), { env }), /authorities/);
    none(await doctor(homeWith(t, { far: { url: 'https://mcp.example.com/mcp', enabled: false } }), { env }), /authorities/);
});

test('credentials over plain http are odd, but not within this machine', async (t) => {
    const headers = { Authorization: 'Bearer abc' };
    const home = homeWith(t, {
        far: { url: 'http://mcp.example.com/mcp', headers },
        plain: { url: 'http://other.example.com/mcp', headers: { 'X-Colour': 'red' } },
        sealed: { url: 'https://mcp.example.com/mcp', headers },
        ...Object.fromEntries(['localhost', '127.0.0.1', '[::1]'].map((host, i) => [`near-${i}`, { url: `http://${host}:9000/mcp`, headers }])),
    });
    const result = await doctor(home);
    odd(result, /^far gets Authorization over http, which anybody on the way can read/, /https/);
    none(result, /^(plain|sealed|near-\d) gets/);
    none(result, /abc/); // the credential itself is not shown
});

// Who connects ------------------------------------------------------------------------------------------------------

test('a port that is taken says by whom', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    atEnd(t, () => server.close());
    const { port } = server.address() as AddressInfo;
    const env = { GATEHOUSE_PORT: String(port) };
    bad(await doctor(homeWith(t, {}), { env }), new RegExp(`^port ${port} is taken by .* \\(pid ${process.pid}\\)`), /--port/);
});

test('a localhost that leads elsewhere is wrong', async (t) => {
    if (!needsNamespaces(t)) return;
    const hosts = join(folder(t), 'hosts');
    writeFileSync(hosts, '10.1.2.3 localhost\n');
    bad(await doctor(homeWith(t, {}), { around: behind(`mount --bind ${hosts} /etc/hosts`) }), /^localhost is 10\.1\.2\.3 here/, /\/etc\/hosts/);
});

test('a machine without ::1 is odd', async (t) => {
    if (!needsNamespaces(t)) return;
    const commands = 'mount -t sysfs none /sys 2>/dev/null || true; ip link set lo up; echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6';
    const around = ['unshare', '-m', '-n', 'sh', '-ec', `${commands}\nexec "$@"`, 'sh'];
    if ((await finish(around[0]!, [...around.slice(1), 'true'])).code !== 0) return void t.skip('needs a network namespace and ip');
    odd(await doctor(homeWith(t, {}), { around, env: { GATEHOUSE_PORT: '3333' } }), /^port 3333 on 127\.0\.0\.1 alone: this machine has no ::1/);
});

test('peers that are not looked at are odd', async (t) => {
    const home = homeWith(t, {});
    odd(await doctor(home, { env: { GATEHOUSE_HTTP_PEER_UID: 'off' } }), /every user of this machine may call your servers/, /peer_uid on/);
    equal(find(await doctor(home), /only you and root may connect/).finding, 'good');
});

test('proxy variables that catch localhost are odd', async (t) => {
    const home = homeWith(t, {});
    const clean = Object.fromEntries(['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [[name, ''], [name.toUpperCase(), '']]));
    const result = await doctor(home, { env: { ...clean, HTTPS_PROXY: 'http://ask.test:1', no_proxy: '10.0.0.0/8' } });
    odd(result, /^HTTPS_PROXY is set: clients may ask that proxy for Gatehouse/, /no_proxy=localhost/);
    odd(result, /^HTTPS_PROXY is set: Gatehouse itself reaches HTTP servers without a proxy/);
    none(await doctor(home, { env: { ...clean, http_proxy: 'http://ask.test:1', no_proxy: 'example.com, localhost' } }), /clients may ask/);
    none(await doctor(home, { env: clean }), /proxy/);
});

// The machine -------------------------------------------------------------------------------------------------------

/** Compiles a program of this folder; undefined where there is no compiler. */
function compiled(t: TestContext, name: string, ...flags: string[]): string | undefined {
    const out = join(folder(t), name);
    try {
        execFileSync('cc', ['-D_GNU_SOURCE', ...flags, '-o', out, join(import.meta.dirname, `${name}.c`)]);
        return out;
    } catch {
        t.skip('needs a C compiler');
        return undefined;
    }
}

test('too few descriptors are odd', async (t) => {
    const home = homeWith(t, {});
    const around = ['sh', '-c', 'ulimit -n 3000; exec "$@"', 'sh'];
    odd(await doctor(home, { around }), /^3,000 descriptors may be open at most, 6,708 are needed/, /LimitNOFILE=6708/);
    none(await doctor(home, { around, env: { GATEHOUSE_HTTP_CONNECTIONS: '50', GATEHOUSE_STDIO_ISOLATED_MAX: '1' } }), /descriptors may be open at most/);
});

test('more memory than there is, is odd', async (t) => {
    const home = homeWith(t, {});
    odd(await doctor(home, { env: { GATEHOUSE_MEMORY_MAX: '1024GiB' } }), /^memory.max is 1TiB, but (this machine|its control group) has /, /lower memory.max/);
    none(await doctor(home), /^memory.max/);
});

test('more memory than the control group may have is odd', async (t) => {
    const versions = [['/sys/fs/cgroup', 'memory.max'], ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes']];
    for (const [mount, file] of versions) {
        const group = join(mount!, `gatehouse-doctor-${process.pid}`);
        try {
            if (!existsSync(join(mount!, 'cgroup.procs'))) continue;
            mkdirSync(group);
            atEnd(t, () => rmdirSync(group));
            writeFileSync(join(group, file!), String(200 << 20));
        } catch {
            continue;
        }
        const around = ['sh', '-ec', `echo $$ >${group}/cgroup.procs; exec "$@"`, 'sh'];
        odd(await doctor(homeWith(t, {}), { around }), /^memory.max is 256MiB, but its control group has 210 MB/, /group's limit/);
        return;
    }
    t.skip('needs a control group of its own');
});

test('core dumps are odd, for tokens are in them', async (t) => {
    const home = homeWith(t, {});
    const isPiped = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|');
    const limited = (size: string) => ['sh', '-c', `ulimit -c ${size}; exec "$@"`, 'sh'];
    odd(await doctor(home, { around: limited('unlimited') }), isPiped ? /^a crash gives/ : /^a crash writes Gatehouse's memory/);
    if (!isPiped) none(await doctor(home, { around: limited('0') }), /^a crash/);
});

test('a core dump that is given to a program is odd whatever the limit', async (t) => {
    if (!needsNamespaces(t)) return;
    const pattern = join(folder(t), 'core_pattern');
    writeFileSync(pattern, '|/usr/lib/keeper %p\n');
    const around = behind(`ulimit -c 0; mount --bind ${pattern} /proc/sys/kernel/core_pattern`);
    odd(await doctor(homeWith(t, {}), { around }), /^a crash gives Gatehouse's memory, tokens included, to \/usr\/lib\/keeper %p/);
});

test('a kernel without Landlock lets servers signal and trace Gatehouse', async (t) => {
    const without = compiled(t, 'without');
    if (without === undefined) return;
    const result = await doctor(homeWith(t, {}), { around: [without, 'landlock_create_ruleset', '--'] });
    odd(result, /could signal Gatehouse \(needs 6\.12\)/, /container/);
    let scope = '0';
    try {
        scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim();
    } catch {} // no Yama
    if (scope === '0') odd(result, /could read Gatehouse's memory/);
    else none(result, /could read Gatehouse's memory/);
});

test('a kernel without pidfd starts no server', async (t) => {
    const without = compiled(t, 'without');
    if (without === undefined) return;
    const result = await doctor(homeWith(t, {}), { around: [without, 'pidfd_open', '--'] });
    bad(result, /^servers cannot be started: pidfd_open: Function not implemented/, /seccomp/);
    none(result, /children can be ended whole/);
});

test('a clock before this program was made is wrong', async (t) => {
    const early = compiled(t, 'early', '-shared', '-fPIC');
    if (early === undefined) return;
    bad(await doctor(homeWith(t, {}), { env: { LD_PRELOAD: early } }), /^the clock says 1970-01-01T00:.*Z, which is before this program/, /timedatectl/);
});

test('a program or a helper that others may exchange, or that is set-uid, is wrong', async (t) => {
    const place = folder(t);
    for (const name of ['gatehouse', 'gatehouse-helper']) cpSync(built(name), join(place, name));
    const [mine, helper] = [join(place, 'gatehouse'), join(place, 'gatehouse-helper')];
    const home = homeWith(t, {});

    deepEqual(bads(await doctor(home, { program: mine })), []);
    chmodSync(helper, 0o757);
    bad(await doctor(home, { program: mine }), /^the helper that starts servers is .*, and others may write to .*gatehouse-helper/, /^chmod go-w .*gatehouse-helper/);
    chmodSync(helper, 0o755);
    chmodSync(mine, 0o4755);
    bad(await doctor(home, { program: mine }), /^the program is .*, which is set-uid or set-gid/, /^chmod u-s,g-s /);
    chmodSync(mine, 0o755);
    chmodSync(place, 0o777);
    bad(await doctor(home, { program: mine }), /^the program is .*, and others may write to /);
    chmodSync(place, 0o700);
    rmSync(helper);
    bad(await doctor(home, { program: mine }), /gatehouse-helper is neither beside gatehouse nor in/, /install gatehouse-helper/);
});

test('settings that give a promise up are odd', async (t) => {
    const home = homeWith(t, {});
    odd(await doctor(home, { env: { GATEHOUSE_CAPTURE_ENABLED: 'off' } }), /^calls are not recorded/);
    odd(await doctor(home, { env: { GATEHOUSE_PROT: '1' } }), /^the variable GATEHOUSE_PROT is no setting/);
});

test('beside a running gateway it is that one which is told of', async (t) => {
    const gatehouse = await house(t, { echo: { url: await upstream(t, answersAs('echo')) } });
    await open(gatehouse.url('echo'));
    const result = await doctor(gatehouse.home);
    equal(find(result, new RegExp(`^running: pid ${gatehouse.pid} on http://localhost:${gatehouse.port}`)).finding, 'good');
    deepEqual(bads(result), []);
});
