// A real browser with a hostile page in it, beside a running Gatehouse: nothing is called, started or read.
//
// The same attacks go against a server without a guard first: what reaches that one is a real attack.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, answersAs, descendants, house, open, post, script, until, upstream } from '../e2e/harness.ts';
import type { Answerer, House } from '../e2e/harness.ts';
import { attackByDocument, attackByFetch, attackFrom } from './browser-attacks.ts';
import type { Given, Outcome } from './browser-attacks.ts';
import { Chromium, hasChromium } from './chromium.ts';
import type { Tab } from './chromium.ts';

const skip = hasChromium ? false : 'needs Chromium: script/bootstrap --tests installs it';
const LIMIT = { timeout: 120000, skip };
let browser: Chromium;

before(() => {
    if (hasChromium) browser = new Chromium();
});
after(async () => {
    if (hasChromium) await browser.end();
});

// The attacker ------------------------------------------------------------------------------------------------------

/** A server on all of loopback with a page, a worker and redirects to anywhere; resolves to its port. */
async function attacker(t: TestContext): Promise<number> {
    const server = createServer((incoming, answer) => {
        const url = new URL(incoming.url!, 'http://attacker');
        const to = url.searchParams.get('to') ?? '';

        answer.setHeader('access-control-allow-origin', incoming.headers.origin ?? '*');
        if (url.pathname === '/redirect') {
            answer.writeHead(Number(url.searchParams.get('status')), { location: to }).end();
        } else if (url.pathname === '/service-worker.js') {
            answer.setHeader('content-type', 'text/javascript');
            answer.end(`onmessage = (event) => event.waitUntil(eval(event.data).then((outcomes) => event.source.postMessage(outcomes)))`);
        } else if (url.pathname === '/reports') {
            const headers = { 'content-type': 'text/html', 'content-security-policy': `img-src 'none'; report-uri ${to}` };
            answer.writeHead(200, headers).end('<img src="/x.png">');
        } else if (url.pathname === '/refresh') {
            answer.setHeader('content-type', 'text/html').end(`<meta http-equiv="refresh" content="0; url=${to}">`);
        } else {
            answer.setHeader('content-type', 'text/html').end('<!doctype html><title>a nice page</title><body>');
        }
    });
    return await listen(t, server);
}

async function listen(t: TestContext, server: ReturnType<typeof createServer>): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
}

/** A server that believes everybody; which attempts reached it. */
async function gullible(t: TestContext) {
    const reached = new Set<string>();
    const server = createServer((incoming, answer) => {
        const attempt = new URL(incoming.url!, 'http://gullible').searchParams.get('attempt');

        if (incoming.method !== 'OPTIONS' || attempt?.endsWith('OPTIONS')) reached.add(attempt ?? '');
        answer.setHeader('access-control-allow-origin', incoming.headers.origin ?? '*');
        answer.setHeader('access-control-allow-headers', 'content-type, mcp-session-id, authorization, accept');
        answer.setHeader('access-control-allow-methods', '*');
        answer.setHeader('access-control-allow-credentials', 'true');
        answer.setHeader('content-type', attempt === 'EventSource' ? 'text/event-stream' : 'text/javascript');
        answer.end(attempt === 'EventSource' ? 'data: secret\n\n' : 'void "secret"');
    });
    server.on('upgrade', (incoming, socket) => {
        reached.add(new URL(incoming.url!, 'http://gullible').searchParams.get('attempt')!);
        socket.destroy();
    });
    return { port: await listen(t, server), reached };
}

/** Everything, from one page of the attacker. */
async function attackFromPage(tab: Tab, given: Given): Promise<Outcome[]> {
    const outcomes = [...(await tab.run(attackByFetch, given)), ...(await tab.run(attackByDocument, given))];

    for (const way of ['sandbox', 'data', 'worker', 'service worker'] as const) {
        const few = given.at.filter((each) => each.endsWith('/mcp')).slice(0, 3);
        const more = await tab.run(attackFrom, { way, attack: String(attackByFetch), given: { ...given, at: few } });
        outcomes.push(...more.map((each) => ({ ...each, attempt: `${each.attempt}, from a ${way}` })));
    }
    return outcomes;
}

// The victim --------------------------------------------------------------------------------------------------------

/** A Gatehouse with a server that keeps what it hears, a child that leaves a mark when started, and an open session. */
async function victim(t: TestContext, take: Answerer = answersAs('up')) {
    const marks = mkdtempSync(join(tmpdir(), 'gatehouse-marks-'));
    const mark = join(marks, 'started');
    const heard: string[] = [];
    atEnd(t, () => rmSync(marks, { recursive: true }));
    const url = await upstream(t, (incoming: IncomingMessage, answer: ServerResponse, body: string) => {
        heard.push(`${incoming.method} ${body}`);
        take(incoming, answer, body);
    });
    const child = script(`require('fs').writeFileSync(${JSON.stringify(mark)}, ''); process.stdin.resume()`);
    const gatehouse = await house(t, { up: { url }, child });
    const headers = await open(gatehouse.url('up'));

    return { gatehouse, heard, mark, headers };
}

const paths = ['/s/up/mcp', '/servers/up/mcp', '/s/child/mcp', '/s/nobody/mcp', '/api/servers', '/healthz', '/none'];
const addresses = (port: number) => [...paths.map((path) => `http://localhost:${port}${path}`), `http://127.0.0.1:${port}/s/child/mcp`];
const rows = (gatehouse: House) => gatehouse.sql<{ n: number }>('SELECT count(*) AS n FROM exchange')[0]!.n;

/** Nothing came through: the next thing the server hears, and the next row of the log, is the call made here. */
async function isUntouched({ gatehouse, heard, mark, headers }: Awaited<ReturnType<typeof victim>>): Promise<void> {
    const before = ['POST initialize'];

    deepEqual(heard.map((each) => each.replace(/ .*"method":"(\w+)".*/, ' $1')), before);
    ok(!existsSync(mark), 'the child was started');
    equal(descendants(gatehouse.pid).length, 0);
    equal((await post(gatehouse.url('up'), 'ping', {}, headers)).status, 200, 'the session is still there');
    await until('the record of both', 20000, () => rows(gatehouse) >= 2);
    equal(rows(gatehouse), 2);
}

/** What of the outcomes would be of use to the page. */
const useful = (outcomes: Outcome[]) => outcomes.filter(({ said }) => /^(read|open|size)/.test(said));

/** What tells a page which servers there are: an attempt that ends otherwise at one path than at another. */
function differences(outcomes: Outcome[], port: number): string[] {
    const said = new Map<string, Set<string>>();

    for (const { attempt, at, said: what } of outcomes)
        if (at.startsWith(`http://localhost:${port}/`) && what !== 'silence') said.set(attempt, (said.get(attempt) ?? new Set()).add(what));
    return [...said].filter(([, all]) => all.size > 1).map(([attempt, all]) => `${attempt}: ${[...all].join(', ')}`);
}

test('these attacks reach a server without a guard', LIMIT, async (t) => {
    const { port, reached } = await gullible(t);
    const from = await attacker(t);
    const given = { at: [`http://127.0.0.1:${port}/mcp`], redirector: `http://localhost:${from}/redirect`, session: 'known' };
    const tab = await browser.tab(`http://localhost:${from}/`);
    const outcomes = await attackFromPage(tab, given);
    const names = new Set(outcomes.map(({ attempt }) => attempt.replace(/, from .*/, '')));
    // The browser itself refuses these.
    const refused = [...names].filter((each) => /same-origin|no-cors (PUT|DELETE|OPTIONS|PATCH)|^Worker|register|timing|modulepreload|manifest|input/.test(each));

    await tab.close();
    ok(names.size > 60, String(names.size));
    deepEqual([...names].filter((each) => !reached.has(each) && !refused.includes(each)), []);
    ok(useful(outcomes).length > 40, 'and much of it can be read');
});

// Names below .localhost, for pages that browsers trust (secure contexts) may send the most: workers, a service worker. From
// http://evil.test Chromium 156 stops for good in every third run.
for (const host of ['localhost', '127.0.0.1', 'evil.localhost'])
    test(`a page of ${host} on another port calls, starts and reads nothing`, LIMIT, async (t) => {
        const it = await victim(t);
        const from = await attacker(t);
        const tab = await browser.tab(`http://${host}:${from}/`);
        const given = { at: addresses(it.gatehouse.port), redirector: `http://${host}:${from}/redirect`, session: it.headers['mcp-session-id']! };
        const outcomes = await attackFromPage(tab, given);

        await tab.close();
        ok(outcomes.length > 500, String(outcomes.length));
        deepEqual(useful(outcomes), []);
        deepEqual(differences(outcomes, it.gatehouse.port), []);
        await isUntouched(it);
    });

test('a page whose name was bound to our address since (DNS rebinding) calls, starts and reads nothing', LIMIT, async (t) => {
    const it = await victim(t);
    const { port } = it.gatehouse;
    const from = await attacker(t);
    const tab = await browser.tabAs(`http://rebind.localhost:${port}/`, '<!doctype html><body>');
    const at = paths.map((path) => `http://rebind.localhost:${port}${path}`);
    const given = { at, redirector: `http://localhost:${from}/redirect`, session: it.headers['mcp-session-id']! };
    const outcomes = await tab.run(attackByFetch, given);

    await tab.close();
    // It is of one origin with us now, and may read: that it is refused, and no more.
    const read = outcomes.filter(({ said }) => said.startsWith('read: ') && !/^read: 403 ($|.*FORBIDDEN.*Host)/.test(said));
    ok(outcomes.some(({ said }) => said.startsWith('read: 403')), 'the browser lets it read');
    deepEqual(read, []);
    await isUntouched(it);
});

test('navigation, reports and refreshes of a hostile page lead nowhere', LIMIT, async (t) => {
    const it = await victim(t);
    const from = await attacker(t);

    for (const to of addresses(it.gatehouse.port)) {
        const address = encodeURIComponent(to);
        for (const page of [`reports?to=${address}`, `refresh?to=${address}`, `redirect?status=302&to=${address}`]) {
            const tab = await browser.tab(`http://localhost:${from}/${page}`);
            await tab.close();
        }
        const tab = await browser.tab(`http://localhost:${from}/`);
        await tab.run((url: string) => void (location.href = url), to).catch(() => {}); // the page it ran in may be gone
        await tab.close();
    }
    await isUntouched(it);
});

test('the address bar renders nothing of a server, and runs nothing', LIMIT, async (t) => {
    const page = '<script>document.title="run"</script>';
    const it = await victim(t, (incoming, answer, body) => {
        if (body.includes('initialize')) answersAs('up')(incoming, answer, body);
        else answer.writeHead(200, { 'content-type': 'text/html' }).end(page);
    });
    const { port } = it.gatehouse;
    const shown = () => ({ title: document.title, type: document.contentType, scripts: document.scripts.length, text: document.body.innerText });

    for (const path of ['/s/up/mcp', '/servers/up/mcp', '/api/servers', '/s/%3Cscript%3Edocument.title%3D%22run%22%3C%2Fscript%3E/mcp', '/healthz', '/%3Cimg src=x onerror=alert(1)%3E']) {
        const tab = await browser.tab(`http://localhost:${port}${path}`);
        const { title, type, scripts, text } = await tab.run(shown, undefined);
        equal(type, 'application/json', path);
        deepEqual([title, scripts], ['', 0], path);
        if (path !== '/healthz') match(text, /FORBIDDEN|NOT_FOUND/, path);
        await tab.close();
    }
    equal(it.heard.length, 1, 'only the opening of the session');
});

test('a server that a page of our own origin calls sets no cookie, leads nowhere, and shows no page', LIMIT, async (t) => {
    const hostile: Record<string, [status: number, headers: Record<string, string>, body: string]> = {
        cookie: [200, { 'content-type': 'application/json', 'set-cookie': 'a=b; Path=/', 'clear-site-data': '"*"', refresh: '0; url=/healthz' }, '{"jsonrpc":"2.0","id":1,"result":{}}'],
        page: [200, { 'content-type': 'text/html' }, '<script>parent.document.title="run"</script>'],
        moved: [302, { location: 'http://evil.test/' }, ''],
        worker: [200, { 'content-type': 'text/javascript', 'service-worker-allowed': '/' }, 'onfetch = () => {}'],
    };
    const servers: Record<string, { url: string }> = {};
    for (const [name, [status, headers, body]] of Object.entries(hostile)) servers[name] = { url: await upstream(t, (_, answer) => void answer.writeHead(status, headers).end(body)) };
    const gatehouse = await house(t, servers);
    const tab = await browser.tabAs(`http://localhost:${gatehouse.port}/`, '<!doctype html><body>');
    const calls = await tab.run(async (names: string[]) => {
        const call = { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' };
        const said: Record<string, string> = {};
        for (const name of names) {
            const response = await fetch(`/s/${name}/mcp`, call);
            said[name] = `${response.status} ${response.redirected} ${response.headers.get('content-type')} ${response.headers.get('x-content-type-options')}`;
        }
        await navigator.serviceWorker.register('/s/worker/mcp').then(() => (said['registered'] = 'yes'), () => {});
        return { said, cookie: document.cookie, title: document.title };
    }, Object.keys(servers));
    const { cookies } = await tab.send('Storage.getCookies');

    await tab.close();
    deepEqual(calls, {
        said: Object.fromEntries(Object.keys(servers).map((name) => [name, `${name === 'cookie' ? 200 : 502} false application/json nosniff`])),
        cookie: '',
        title: '',
    });
    deepEqual(cookies, []);
});
