// What a web page, a browser or a hostile server may try, seen from outside.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { answersAs, descendants, echoStdio, house, post, raw, upstream } from './harness.ts';

const ping = JSON.stringify({ jsonrpc: '2.0', id: 'p', method: 'ping' });
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

async function withUpstream(t: TestContext, extra: IncomingHttpHeaders = {}) {
    const heard: IncomingHttpHeaders[] = [];
    const url = await upstream(t, (incoming, answer, body) => {
        heard.push(incoming.headers);
        for (const [name, value] of Object.entries(extra)) answer.setHeader(name, value!);
        answersAs('upstream')(incoming, answer, body);
    });
    return { heard, gatehouse: await house(t, { up: { url }, child: echoStdio }) };
}

function isSealed(headers: IncomingHttpHeaders | Headers, what: string): void {
    const value = (name: string) => (headers instanceof Headers ? headers.get(name) : headers[name]);
    equal(value('x-content-type-options'), 'nosniff', what);
    equal(value('content-security-policy'), "sandbox; default-src 'none'", what);
}

test('a request that a web page elsewhere could cause is refused, and goes nowhere', { timeout: 30000 }, async (t) => {
    const { heard, gatehouse } = await withUpstream(t);
    const refused: [why: string, headers: Record<string, string>, method?: string][] = [
        ['a name that is not ours', { host: 'evil.example' }],
        ['a name that is not ours, with our port', { host: `evil.example:${gatehouse.port}` }],
        ['another origin', { origin: 'http://evil.example' }],
        ['an origin on another port', { origin: 'http://localhost:1' }],
        ['a sandboxed page', { origin: 'null' }],
        ['across sites', { 'sec-fetch-site': 'cross-site' }],
        ['from a sibling site', { 'sec-fetch-site': 'same-site' }],
        ['navigation', { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }, 'GET'],
    ];

    for (const path of ['/s/up/mcp', '/servers/up/mcp', '/s/child/mcp', '/api/servers'])
        for (const [why, headers, method] of refused) {
            const url = `http://127.0.0.1:${gatehouse.port}${path}`;
            const answer = await raw(url, method ?? 'POST', { ...json, ...headers }, method === 'GET' ? '' : ping);
            equal(answer.status, 403, `${why}, ${path}: ${answer.text}`);
            isSealed(answer.headers, why);
        }
    equal(heard.length, 0);
    ok(!descendants(gatehouse.pid).some(({ command }) => command.includes('echo_stdio')));
});

test('names and origins of our own are taken', { timeout: 30000 }, async (t) => {
    const { gatehouse } = await withUpstream(t);
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
        for (const origin of [undefined, `http://${host}:${gatehouse.port}`]) {
            const headers = { ...json, host: `${host}:${gatehouse.port}`, ...(origin && { origin, 'sec-fetch-site': 'same-origin' }) };
            const answer = await raw(gatehouse.url('up'), 'POST', headers, ping);
            equal(answer.status, 200, `${host} ${origin}: ${answer.text}`);
        }
    const six = await raw(`http://[::1]:${gatehouse.port}/s/up/mcp`, 'POST', json, ping);
    equal(six.status, 200);
});

test('only JSON is taken, and no GET starts a child', { timeout: 30000 }, async (t) => {
    const { heard, gatehouse } = await withUpstream(t);

    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp'])
        equal((await raw(gatehouse.url('up'), 'POST', { ...json, 'content-type': type }, ping)).status, 415, type);
    equal(heard.length, 0);
    const got = await raw(gatehouse.url('child'), 'GET', { accept: 'text/event-stream' });
    ok(got.status >= 400 && got.status < 500, String(got.status));
    ok(!descendants(gatehouse.pid).some(({ command }) => command.includes('echo_stdio')));
});

test('our token and cookies never reach the upstream, its own credentials do', { timeout: 30000 }, async (t) => {
    const { heard, gatehouse } = await withUpstream(t, { 'set-cookie': ['a=b'] });
    const spellings = [`Bearer ${gatehouse.token}`, `bearer ${gatehouse.token}`, `Bearer   ${gatehouse.token}`, gatehouse.token];

    for (const authorization of spellings) {
        const { status, headers } = await post(gatehouse.url('up'), 'ping', {}, { authorization, cookie: 'session=1' });
        equal(status, 200);
        equal(headers.get('set-cookie'), null);
    }
    equal(heard.length, spellings.length);
    for (const headers of heard) {
        equal(headers.cookie, undefined);
        ok(!JSON.stringify(headers).includes(gatehouse.token));
    }
    await post(gatehouse.url('up'), 'ping', {}, { authorization: 'Bearer of-the-upstream' });
    equal(heard.at(-1)!.authorization, 'Bearer of-the-upstream');

    const files = ['traffic.db', 'traffic.db-wal'].map((file) => `${gatehouse.home}/${file}`);
    equal(await gatehouse.stop(), 'exit code 0');
    const { readFileSync, existsSync } = await import('node:fs');
    for (const file of files.filter((each) => existsSync(each))) {
        const bytes = readFileSync(file);
        for (const secret of [gatehouse.token, 'of-the-upstream', 'session=1']) ok(!bytes.includes(secret), `${secret} in ${file}`);
    }
});

test('headers of the upstream pass by name only', { timeout: 30000 }, async (t) => {
    const { gatehouse } = await withUpstream(t, {
        server: 'evil',
        'x-powered-by': 'evil',
        'access-control-allow-origin': '*',
        'clear-site-data': '"*"',
        'content-security-policy': 'default-src *',
        link: '</x>; rel=preload',
        'mcp-session-id': 'kept',
        'mcp-anything': 'kept',
        'retry-after': '7',
        'cache-control': 'no-store',
    });
    const { headers } = await post(gatehouse.url('up'), 'ping');
    const own = ['connection', 'keep-alive', 'date', 'content-length', 'transfer-encoding', 'x-content-type-options', 'content-security-policy'];
    const passed = [...headers.keys()].filter((name) => !own.includes(name)).sort();

    deepEqual(passed, ['cache-control', 'content-type', 'mcp-anything', 'mcp-session-id', 'retry-after']);
    isSealed(headers, 'an answer of the upstream');
});

test('a page, a redirect and a broken answer of the upstream become errors of ours', { timeout: 30000 }, async (t) => {
    const answers: [name: string, status: number, headers: Record<string, string>, body: string][] = [
        ['page', 200, { 'content-type': 'text/html' }, '<script>alert(1)</script>'],
        ['sniffed', 200, {}, '<html>'],
        ['script', 200, { 'content-type': 'text/javascript' }, 'alert(1)'],
        ['moved', 302, { location: 'http://127.0.0.1:1/' }, ''],
        ['moved-for-good', 308, { location: 'https://evil.example/' }, ''],
    ];
    for (const [name, status, headers, body] of answers) {
        const url = await upstream(t, (_, answer) => void answer.writeHead(status, headers).end(body));
        const gatehouse = await house(t, { up: { url } });
        const got = await post(gatehouse.url('up'), 'ping');
        equal(got.status, 502, name);
        equal(got.message.error?.code, -32603, name);
        equal(got.message.id, got.id, name);
        equal(typeof got.message.error?.data?.['reason'], 'string', name);
        equal(got.headers.get('location'), null);
        match(got.headers.get('content-type')!, /^application\/json/);
        ok(!got.text.includes('<'), got.text);
        isSealed(got.headers, name);
    }
});

test('every kind of answer is sealed', { timeout: 30000 }, async (t) => {
    const { gatehouse } = await withUpstream(t);
    const origin = `http://127.0.0.1:${gatehouse.port}`;
    const paths: [path: string, status: number][] = [['/', 200], ['/healthz', 200], ['/nowhere', 404], ['/s/nobody/mcp', 404], ['/mcp', 404], ['/api/servers', 401]]; // prettier-ignore

    for (const [path, status] of paths) {
        const answer = await raw(origin + path, 'GET', {});
        equal(answer.status, status, path);
        isSealed(answer.headers, path);
    }
    isSealed((await raw(gatehouse.url('up'), 'PATCH', {})).headers, '405');
    isSealed((await raw(gatehouse.url('up'), 'POST', json, '{')).headers, 'no JSON');
    isSealed((await raw(gatehouse.url('up'), 'POST', { ...json, 'x-long': 'x'.repeat(70000) }, ping)).headers, '431');
});
