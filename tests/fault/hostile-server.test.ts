// A server that writes to the person, not to the client: its names, texts, stderr and ids hold escape sequences, turned
// reading directions and invisible letters. On a terminal none of them arrives as such, and JSON stays JSON.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { finish, built, house, open, post, script, until, upstream } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';

/** What takes over a terminal, or deceives its reader. */
const hostile = [
    '\x1b]52;c;cm0gLXJmIH4=\x07', // OSC 52: the clipboard
    '\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\', // OSC 8: a link
    '\x1b[2J\x1b[1;1H\x1b[31m', // CSI: clears, moves, colours
    '\x1bP$q"p\x1b\\', // DCS
    '\u009b2J\u009d0;title\u009c', // C1 in UTF-8
    '\u202etxt.exe\u2066\u2069\u200e\u200f\u061c', // bidi
    'a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg', // of no width
    '\u{e0041}\u{e0100}', // tags, variation selectors
    'line\r\nfake: \u2028 another\u0085\b\b\x7f\t\v\f',
    '$(reboot)`reboot`%s%n',
    'x'.repeat(5000),
].join('');

/** Of a terminal's output, all that our own colours and line ends do not explain. */
const strange = (text: string) =>
    text.replaceAll(/\x1b\[\d+m/g, '').replaceAll('\r\n', '\n').match(/[^\P{C}\n]|[\u2028\u2029\u{e0100}-\u{e01ef}]/gu) ?? [];

/** A command on a terminal of its own, with colour. */
async function onTerminal(gatehouse: House, ...args: string[]) {
    const command = [built('gatehouse'), ...args].map((word) => `'${word}'`).join(' ');
    return await finish('script', ['-qec', command, '/dev/null'], 60000, { GATEHOUSE_HOME: gatehouse.home, TERM: 'xterm-256color', NO_COLOR: '' });
}

// No ${…} in it: it goes into the registry too, which would take that for a variable.
const answer = (message: { id?: unknown; method?: string; params?: { name?: string } }) => {
    const { id, method } = message;
    if (method === 'initialize')
        return { jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: hostile, version: hostile }, instructions: hostile } };
    if (method === 'tools/list') {
        const tools = Array.from({ length: 10000 }, (_, i) => ({ name: i + hostile.slice(0, 150), description: hostile.slice(0, 150), inputSchema: { type: 'object' } }));
        return { jsonrpc: '2.0', id, result: { tools } };
    }
    if (message.params?.name === 'content') return { jsonrpc: '2.0', id, result: { isError: true, content: [{ type: 'text', text: hostile }] } };
    return { jsonrpc: '2.0', id, error: { code: -32000, message: hostile, data: hostile } };
};

async function hostileHouse(t: TestContext): Promise<House> {
    const url = await upstream(t, (incoming, going, body) => {
        const message = JSON.parse(body || '{}');
        if (incoming.method !== 'POST') return void going.writeHead(405).end();
        if (message.id === undefined) return void going.writeHead(202).end();
        going.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': '!"<x>%1b[2J~' }).end(JSON.stringify(answer(message)));
    });
    const child = script(`
        const hostile = ${JSON.stringify(hostile)}, answer = ${answer};
        process.stderr.write(hostile + '\\n'); process.stderr.write(Buffer.from([0x9b, 0x32, 0x4a, 0x9d, 0x30, 0x3b, 0x9c, 0xff, 0xc0, 0x0a]));
        process.stdout.write('no JSON ' + hostile + '\\n');
        require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
            const message = JSON.parse(line);
            if (message.id !== undefined) process.stdout.write(JSON.stringify(answer(message)) + '\\n');
        });`);
    const gone = script(`process.stderr.write(${JSON.stringify(hostile)} + '\\n'); process.exit(3)`);
    return await house(t, { up: { url }, child, gone, [hostile.slice(0, 300)]: { url }, wrong: { url: `ftp://${hostile.slice(0, 300)}` }, missing: { command: `/none/${hostile.slice(0, 300).replaceAll('/', '')}` } });
}

async function talk(gatehouse: House): Promise<void> {
    for (const name of ['up', 'child', 'gone']) {
        const url = gatehouse.url(name);
        const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: hostile, version: hostile.slice(0, 40) } };
        const { headers } = await post(url, 'initialize', hello);
        const session = headers.get('mcp-session-id');
        const known = { 'mcp-protocol-version': '2025-11-25', ...(session !== null && { 'mcp-session-id': session }) };
        for (const [method, params] of [['tools/list', {}], ['tools/call', { name: hostile, arguments: { hostile } }], ['tools/call', { name: 'content' }], [hostile, {}]] as const)
            await post(url, method, params, known);
    }
    await until('the record', 20000, () => gatehouse.sql<{ n: number }>('SELECT count(*) AS n FROM exchange')[0]!.n >= 12);
}

test('what a hostile server writes reaches no terminal as it is', { timeout: 120000 }, async (t) => {
    const gatehouse = await hostileHouse(t);
    await talk(gatehouse);
    const ids = gatehouse.sql<{ id: string }>('SELECT CAST(id AS TEXT) AS id FROM exchange').map(({ id }) => id);
    const views = [['list'], ['list', '--names'], ['logs'], ['logs', '-n', '100'], ['status'], ['doctor'], ['logs', 'tools/call'], ...ids.flatMap((id) => [['logs', id], ['logs', id, '--raw']])];

    for (const running of [true, false]) {
        if (!running) equal(await gatehouse.stop(), 'exit code 0');
        for (const args of running ? views : views.slice(0, 6)) {
            const { stdout } = await onTerminal(gatehouse, ...args);
            ok(stdout.length > 10, `${args.join(' ')}: ${stdout}`);
            deepEqual([...new Set(strange(stdout))], [], `${args.join(' ')}: ${JSON.stringify(stdout.slice(0, 1000))}`);
        }
    }
    deepEqual([...new Set(strange(gatehouse.said))], [], 'our own stderr');
});

test('JSON for programs stays JSON, whatever a server wrote', { timeout: 120000 }, async (t) => {
    const gatehouse = await hostileHouse(t);
    await talk(gatehouse);
    const [{ id }] = gatehouse.sql<{ id: string }>(`SELECT CAST(id AS TEXT) AS id FROM exchange WHERE method = 'tools/call'`) as [{ id: string }];

    for (const args of [['list', '--json'], ['status', '--json'], ['doctor', '--json']]) {
        const { stdout } = await gatehouse.command(...args);
        JSON.parse(stdout);
        deepEqual(stdout.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g) ?? [], [], args.join(' '));
    }
    for (const args of [['logs', '--json'], ['logs', id, '--json']]) {
        const { stdout } = await gatehouse.command(...args);
        for (const line of stdout.trim().split('\n')) JSON.parse(line);
        deepEqual(stdout.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g) ?? [], [], args.join(' '));
    }
    const said = JSON.parse((await gatehouse.command('logs', id, '--json')).stdout.trim());
    ok(JSON.stringify(said).includes('evil.example'), 'nothing is left out');
});

test('ten thousand tools with hostile names pass, and are a line of the log', { timeout: 60000 }, async (t) => {
    const gatehouse = await hostileHouse(t);
    for (const name of ['up', 'child']) {
        const url = gatehouse.url(name);
        const { status, message } = await post(url, 'tools/list', {}, await open(url));
        equal(status, 200);
        equal((message.result!['tools'] as unknown[]).length, 10000);
    }
    const { status } = await post(gatehouse.url('up'), 'ping');
    equal(status, 200);
    match((await gatehouse.command('logs')).stdout, /tools\/list/);
});

test('a server whose words are no text is shown all the same', { timeout: 60000 }, async (t) => {
    const none = { a: 1, b: [2] };
    const url = await upstream(t, (_, going, body) => {
        const { id } = JSON.parse(body || '{}');
        going.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: none, message: none, data: none } }));
    });
    const gatehouse = await house(t, { odd: { url } });

    await post(gatehouse.url('odd'), 'tools/list');
    await until('the call in the log', 20000, async () => /tools\/list/.test((await gatehouse.command('logs')).stdout));
    for (const words of [['logs'], ['logs', '--errors'], ['list'], ['status'], ['call', 'odd']]) {
        const { code, stderr } = await gatehouse.command(...words);
        ok(code === 0 || code === 1, `${words.join(' ')}: ${code} ${stderr}`);
    }
});
