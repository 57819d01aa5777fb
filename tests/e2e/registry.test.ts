// A change of mcp.json is live within a second, whoever makes it, and disturbs nobody else.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answersAs, descendants, echoHttp, echoStdio, house, keepCalling, open, post, script, until, upstream } from './harness.ts';
import type { House } from './harness.ts';

const LIVE_MS = 1000;
const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hand', version: '1' } };

/** Who answers there: the name the server gives itself, or the HTTP status of a refusal. */
async function who(gatehouse: House, server: string): Promise<string | number> {
    const { status, message } = await post(gatehouse.url(server), 'initialize', hello);
    return status === 200 ? (message.result!['serverInfo'] as { name: string }).name : status;
}

const becomes = (gatehouse: House, server: string, whom: string | number) =>
    until(`${server} is ${whom}`, LIVE_MS, async () => (await who(gatehouse, server)) === whom);

/** A gateway with a server on which calls run during the whole test: none of them may fail. */
async function busy(t: TestContext) {
    const steady = { steady: { url: await echoHttp(t, '--sessions') }, family: echoStdio };
    const gatehouse = await house(t, steady);
    const callers = Object.keys(steady).map((name) => keepCalling(gatehouse.url(name), 2));
    const allWell = async () => {
        const calls = (await Promise.all(callers.map((caller) => caller.stop()))).flat();
        ok(calls.length > 20);
        deepEqual(calls.filter((call) => call.status !== 200), []);
    };
    return { steady, gatehouse, allWell };
}

test('an edit by hand adds, changes and removes a server while calls run on others', { timeout: 30000 }, async (t) => {
    const { steady, gatehouse, allWell } = await busy(t);
    const [first, second] = [await upstream(t, answersAs('first')), await upstream(t, answersAs('second'))];

    equal(await who(gatehouse, 'new'), 404);
    gatehouse.register({ ...steady, new: { url: first } });
    await becomes(gatehouse, 'new', 'first');
    gatehouse.register({ ...steady, new: { url: second } });
    await becomes(gatehouse, 'new', 'second');
    gatehouse.register({ ...steady, new: { ...echoStdio } });
    await becomes(gatehouse, 'new', 'echo');
    gatehouse.register({ ...steady, new: { url: second, enabled: false } });
    await becomes(gatehouse, 'new', 503);
    gatehouse.register(steady);
    await becomes(gatehouse, 'new', 404);
    await allWell();
});

test('the child of a removed server ends', { timeout: 30000 }, async (t) => {
    const gatehouse = await house(t, { child: script(`process.stdin.pipe(process.stdout); 'marked-by-e2e'`), echo: echoStdio });
    const runs = () => descendants(gatehouse.pid).some(({ command }) => command.includes('echo_stdio'));

    equal(await who(gatehouse, 'echo'), 'echo');
    ok(runs());
    gatehouse.register({});
    await until('its end', 10000, () => !runs());
});

test('a removed server is forgotten when nothing uses it any more', { timeout: 30000 }, async (t) => {
    let release: (() => void) | undefined;
    const url = await upstream(t, (incoming, answer, body) => {
        if (!body.includes('"slow"')) return answersAs('http')(incoming, answer, body);
        release = () => answersAs('http')(incoming, answer, body);
    });
    const gatehouse = await house(t, { http: { url }, child: echoStdio });
    const retired = async () => {
        const answer = await fetch(`http://127.0.0.1:${gatehouse.port}/api/status`, { headers: { authorization: `Bearer ${gatehouse.token}` } });
        return ((await answer.json()) as { liveObjects: { retired: number } }).liveObjects.retired;
    };

    for (const name of ['http', 'child']) await post(gatehouse.url(name), 'ping', {}, await open(gatehouse.url(name)));
    const call = post(gatehouse.url('http'), 'tools/call', { name: 'slow' });
    await until('the call', 10000, () => release !== undefined);
    gatehouse.register({});
    await until('its end', 10000, async () => (await retired()) === 1); // the call runs on, the child has ended
    release!();
    equal((await call).status, 200);
    await until('its forgetting', 10000, async () => (await retired()) === 0);
});

test('a broken file keeps the last good servers, a broken entry keeps the others', { timeout: 30000 }, async (t) => {
    const { steady, gatehouse, allWell } = await busy(t);
    const url = await upstream(t, answersAs('first'));

    gatehouse.register({ ...steady, new: { url } });
    await becomes(gatehouse, 'new', 'first');
    for (const broken of ['{ "mcpServers": { "new": ', '', '[]', '\0\0']) {
        gatehouse.register(broken);
        await sleep(LIVE_MS);
        equal(await who(gatehouse, 'new'), 'first', JSON.stringify(broken));
    }
    gatehouse.register({ ...steady, new: { url }, 'no name': { url }, neither: {}, asks: { command: '${input:what}' } });
    await sleep(LIVE_MS);
    equal(await who(gatehouse, 'new'), 'first');
    equal(await who(gatehouse, 'neither'), 503);
    const { stdout } = await gatehouse.command('list', '--json');
    for (const name of ['no name', 'neither', 'asks', 'new', 'steady']) ok(stdout.includes(`"${name}"`), `${name} is not listed: ${stdout}`);
    await allWell();
});

test('add, list and remove work beside a running gateway and keep what is not theirs', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, '{\n  // mine\n  "mcpServers": {\n    "echo": { "url": "http://127.0.0.1:1/mcp" } // keep\n  },\n  "other": 1\n}\n');
    const url = await upstream(t, answersAs('first'));
    const file = () => readFileSync(join(gatehouse.home, 'mcp.json'), 'utf8');
    const before = file();

    const added = await gatehouse.command('add', 'weather', url);
    equal(added.code, 0, added.stderr);
    match(added.stdout, /\/s\/weather\/mcp/);
    await becomes(gatehouse, 'weather', 'first');
    equal((await gatehouse.command('add', 'child', '--', echoStdio.command)).code, 0);
    await becomes(gatehouse, 'child', 'echo');
    ok(file().includes('// mine') && file().includes('// keep') && file().includes('"other": 1'));
    ok((await gatehouse.command('add', 'weather', url)).code !== 0, 'a name is given once');

    const { stdout } = await gatehouse.command('list');
    for (const name of ['echo', 'weather', 'child']) match(stdout, new RegExp(`^${name} `, 'm'));
    for (const name of ['weather', 'child']) equal((await gatehouse.command('remove', name)).code, 0);
    await becomes(gatehouse, 'weather', 404);
    equal(file(), before);
    equal((await gatehouse.command('remove', 'weather')).code, 3);
});

test('programs that add at the same time lose nothing', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, {});
    const names = Array.from({ length: 8 }, (_, i) => `server-${i}`);
    const done = await Promise.all(names.map((name) => gatehouse.command('add', name, 'http://127.0.0.1:1/mcp', '--no-try')));

    for (const { code, stderr } of done) equal(code, 0, stderr);
    const { mcpServers } = JSON.parse(readFileSync(join(gatehouse.home, 'mcp.json'), 'utf8'));
    deepEqual(Object.keys(mcpServers).sort(), names);
});
