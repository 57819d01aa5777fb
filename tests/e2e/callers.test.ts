// Servers that want to know who calls, behind a bridge: each client is itself to them, and nobody else. docs/bridging.md M3, L3.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Peer } from '../conformance/peers.ts';
import type { Official } from '../conformance/peers.ts';
import type { Message } from '../conformance/schemas.ts';
import { Wire } from '../conformance/wire.ts';
import { house, run, until } from './harness.ts';
import type { House } from './harness.ts';

const LIMIT = { timeout: 60000 };
const MODERN = '2026-07-28';
const tokens = { ada: 'secret-of-ada-4711', bob: 'secret-of-bob-0815', eve: 'secret-of-ada-4711-but-longer' };
type Name = keyof typeof tokens;

const bearing = (name: Name) => ({ authorization: `Bearer ${tokens[name]}` });
const elicits = { elicitation: { form: {} } };
const accept = { 'elicitation/create': () => ({ action: 'accept', content: { name: 'Ada' } }) };

/** A Gatehouse before servers that know these tokens, by kind. */
async function guarded(t: TestContext, kinds: string[], env: Record<string, string> = {}) {
    const servers: Record<string, { url: string; type?: string }> = {};
    const said: Record<string, () => string> = {};

    for (const kind of kinds) {
        const pairs = Object.entries(tokens).map(([name, token]) => `${token}=${name}`);
        const program = run(t, process.execPath, [join(import.meta.dirname, 'servers/guarded.ts'), kind, ...pairs]);
        servers[kind] = { url: await until(`the URL of ${kind}`, 20000, () => /http:\S+/.exec(program.stdout)?.[0]), ...(kind === 'sse' && { type: 'sse' }) };
        said[kind] = () => program.stdout;
    }
    const revoke = (kind: string, name: Name) => fetch(new URL(`/revoke?token=${tokens[name]}`, servers[kind]!.url), { method: 'POST' });
    return { gatehouse: await house(t, servers, env), said, revoke };
}

const wire = (t: TestContext, gatehouse: House, kind: string, headers: Record<string, string>, revision = MODERN) =>
    new Wire(t, { url: gatehouse.url(kind), headers }, revision, elicits, accept);

// Which client of which era meets it over the bridge.
const meetings: [kind: string, official: Official, said: (name: Name) => string][] = [
    ['http', 'client 2.4.0 at 2026-07-28', (name) => `${name} in a session of ${name}`],
    ['sse', 'client 2.4.0 at 2026-07-28', (name) => `${name} in a session of ${name}`],
    ['sse', 'sdk 1.32.2', (name) => `${name} in a session of ${name}`],
    ['modern', 'sdk 1.32.2', (name) => `${name} without a session`],
    ['modern', 'client 2.4.0', (name) => `${name} without a session`],
];

test('clients with tokens of their own are each themselves to a server, all at once', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http', 'sse', 'modern']);

    for (const [kind, official, said] of meetings) {
        const peers = await Promise.all(
            (['ada', 'bob', 'eve', 'ada'] as Name[]).map(async (name) => {
                const place = { url: gatehouse.url(kind), headers: bearing(name) };
                return { name, peer: await new Peer(official).connect(t, place) };
            }),
        );
        const calls = Array.from({ length: 10 }, () => peers).flat();
        await Promise.all(calls.map(async ({ name, peer }) => equal(await peer.call('who'), said(name), `${official} before ${kind}`)));
        await Promise.all(peers.map(async ({ name, peer }) => equal(await peer.call('ask'), `Ada for ${name}`, `${official} before ${kind}`)));
    }
});

test('who says nothing, or something wrong, is challenged by the server, whoever else is in', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http', 'sse', 'modern']);

    for (const [kind, revision] of [['http', MODERN], ['sse', MODERN], ['sse', '2025-11-25'], ['modern', '2025-11-25']] as const) {
        const post = async (headers: Record<string, string>, method: string, params: Message = {}) => {
            const envelope = { [`io.modelcontextprotocol/protocolVersion`]: MODERN, [`io.modelcontextprotocol/clientCapabilities`]: {} };
            const given = revision === MODERN ? { ...params, _meta: envelope } : params;
            const fields = { ...(revision === MODERN && { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...(method === 'tools/call' && { 'mcp-name': 'who' }) }) };
            const answer = await fetch(gatehouse.url(kind), {
                method: 'POST',
                headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...fields, ...headers },
                body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: given }),
            });
            return { status: answer.status, challenge: answer.headers.get('www-authenticate') ?? '', text: await answer.text() };
        };
        const opening = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
        const first = async (headers: Record<string, string>) =>
            revision === MODERN ? await post(headers, 'tools/call', { name: 'who', arguments: {} }) : await post(headers, 'initialize', opening);

        for (let round = 0; round < 2; round++) {
            for (const headers of [{}, { authorization: 'Bearer of-nobody' }, { authorization: `Bearer ${tokens.ada}x` }, { 'x-api-key': tokens.ada }] as Record<string, string>[]) {
                const { status, challenge, text } = await first(headers);
                equal(status, 401, `${kind} ${revision} ${JSON.stringify(headers)}: ${text}`);
                match(challenge, /^Bearer resource_metadata="http:/);
                ok(!text.includes(tokens.ada));
            }
            equal((await first(bearing('ada'))).status, 200, `${kind} ${revision}`);
        }
    }
});

test('a token that is no longer good is challenged, and who comes back with another goes on', LIMIT, async (t) => {
    const { gatehouse, revoke, said } = await guarded(t, ['http', 'modern']);
    const client = wire(t, gatehouse, 'http', {});
    const legacy = wire(t, gatehouse, 'modern', {}, '2025-11-25');
    const call = async (by: Wire, name: Name) => await by.once('tools/call', { name: 'who', arguments: {} }, bearing(name));
    const text = (outcome: { result?: Message }) => outcome.result?.['content'][0].text;

    equal(text(await call(client, 'ada')), 'ada in a session of ada');
    equal((await legacy.once('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }, bearing('ada'))).error, undefined);
    equal(text(await call(legacy, 'ada')), 'ada without a session');
    for (const [kind, by] of [['http', client], ['modern', legacy]] as const) {
        await revoke(kind, 'ada');
        equal((await call(by, 'ada')).status, 401);
        match(text(await call(by, 'bob')), /^bob /);
        equal((await call(by, 'ada')).status, 401);
        match(text(await call(by, 'bob')), /^bob /); // whoever else was refused
    }
    legacy.session = undefined; // it ends with Gatehouse
    await gatehouse.stop();
    await until('the end of the session of bob, said by bob', 10000, () => /^ended by bob$/m.test(said['http']!()));
});

test('M19 a call that waits for its client goes on for who made it alone', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http']);
    const client = wire(t, gatehouse, 'http', {});
    const call = { name: 'ask', arguments: {} };
    const { result } = await client.once('tools/call', call, bearing('ada'));
    const [key] = Object.keys(result!['inputRequests']);
    const back = { ...call, inputResponses: { [key!]: { action: 'accept', content: { name: 'Ada' } } }, requestState: result!['requestState'] };

    for (const headers of [bearing('bob'), {}, { ...bearing('ada'), 'x-tenant': 'other' }]) equal((await client.once('tools/call', back, headers)).error?.['code'], -32602);
    equal((await client.once('tools/call', back, bearing('ada'))).result!['content'][0].text, 'Ada for ada');
    equal((await client.once('tools/call', back, bearing('bob'))).error?.['code'], -32602); // what it came to is not for others
    equal((await client.once('tools/call', back, bearing('ada'))).result!['content'][0].text, 'Ada for ada');
});

test('what a server tells a caller outside of calls, others do not hear', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http']);
    const [ada, bob] = (['ada', 'bob'] as Name[]).map((name) => wire(t, gatehouse, 'http', bearing(name)));
    const heard = (by: Wire) => by.got.filter(({ method }) => method === 'notifications/resources/updated').map(({ params }) => params.uri);
    const resourceSubscriptions = ['note://of-ada', 'note://of-bob'];

    for (const by of [ada!, bob!]) {
        void by.once('subscriptions/listen', { notifications: { resourceSubscriptions } }, {}, 'listen').catch(() => {}); // it ends with the test
        await by.next('notifications/subscriptions/acknowledged');
    }
    for (const by of [ada!, bob!, ada!]) {
        const before = heard(by).length;
        await until('an update of its own', 20000, async () => {
            await by.call('ring');
            return heard(by).length > before;
        });
    }
    deepEqual([...new Set(heard(ada!))], ['note://of-ada']);
    deepEqual([...new Set(heard(bob!))], ['note://of-bob']);
});

function files(folder: string): string[] {
    return readdirSync(folder).flatMap((name) => {
        const path = join(folder, name);
        return statSync(path).isDirectory() ? files(path) : statSync(path).isFile() ? [path] : [];
    });
}

test('what clients send along is on no record, and in no line that is said', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http', 'modern']);
    const [ada, bob] = [wire(t, gatehouse, 'http', bearing('ada')), wire(t, gatehouse, 'modern', { ...bearing('bob'), 'x-api-key': 'secret-of-a-key' }, '2025-11-25')];

    await bob!.open();
    for (const by of [ada!, bob!]) match(await by.call('who'), /^(ada|bob) /);
    equal((await ada!.once('tools/call', { name: 'who', arguments: {} }, { authorization: 'Bearer secret-of-nobody' })).status, 401);
    await until('the record', 10000, () => gatehouse.sql("SELECT 1 FROM exchange WHERE http_status = 401").length > 0);
    const shown = await (await fetch(`http://127.0.0.1:${gatehouse.port}/api/logs?limit=100`, { headers: { authorization: `Bearer ${gatehouse.token}` } })).text();
    const told = (await gatehouse.command('logs', '--json', '--messages', '--limit', '100')).stdout;
    bob!.session = undefined; // it ends with Gatehouse
    await gatehouse.stop();

    match(told, /in a session of ada/);
    for (const text of [shown, told, gatehouse.said, ...files(gatehouse.home).map((path) => readFileSync(path, 'latin1'))]) ok(!text.includes('secret-of-'));
});

const callers = async (gatehouse: House) => {
    const answer = await fetch(`http://127.0.0.1:${gatehouse.port}/api/status`, { headers: { authorization: `Bearer ${gatehouse.token}` } });
    return ((await answer.json()) as { objects: Record<string, number> }).objects['callers'] ?? 0;
};
const who = async (by: Wire, headers: Record<string, string>) => (await by.once('tools/call', { name: 'who', arguments: {} }, headers)).status;

test('who was refused is not kept', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http']);
    const client = wire(t, gatehouse, 'http', {});

    for (const name of ['ada', 'bob'] as Name[]) equal(await who(client, bearing(name)), 200);
    for (let i = 0; i < 300; i++) equal(await who(client, { authorization: `Bearer wrong-${i}` }), 401);
    await until('the end of who was refused', 10000, async () => (await callers(gatehouse)) === 2);
    deepEqual(client.wrong, []);
});

test('callers are forgotten with the connections that were theirs', LIMIT, async (t) => {
    const { gatehouse } = await guarded(t, ['http'], { GATEHOUSE_SESSION_IDLE: '1s' });
    const client = wire(t, gatehouse, 'http', {});

    for (const name of ['ada', 'bob'] as Name[]) equal(await who(client, bearing(name)), 200);
    await until('the end of what is idle', 40000, async () => (await callers(gatehouse)) === 0);
    equal(await who(client, bearing('ada')), 200);
});
