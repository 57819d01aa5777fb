// Real clients of each era through Gatehouse to real servers of each era, on every transport that both have: each thing that both
// ends can do is done. Where they are of two eras, or of two transports, Gatehouse bridges. The page gets the table.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { keepPage } from '../conformance/page.ts';
import { Peer, remote } from '../conformance/peers.ts';
import type { Message } from '../conformance/schemas.ts';
import { atEnd, everythingHttp, everythingStdio, finish, house, isLong, listensOn, packages, root, run, until } from './harness.ts';
import { STEPS, tools, words } from './servers/offer.ts';

const AT_ONCE = 3;
const START_LIMIT_MS = 60000;
const EVERY = 3; // cells one is tried, so that each client and each server is; all of them in a long run, and for the page
const isWhole = isLong || process.env['GATEHOUSE_WRITE_DOCS'] !== undefined;

// What is done ---------------------------------------------------------------------------------------------------------

/** A letter each, in the order of the page. */
const things = { list: 'L', call: 'C', resource: 'R', prompt: 'P', elicitation: 'E', sampling: 'S', roots: 'O', progress: 'G' };
type Thing = keyof typeof things;

/** A client under way: what it can be told to do. Who answers questions, answers them by itself. */
type Driver = {
    list: () => Promise<string[]>;
    call: (name: string, given: Message) => Promise<string>;
    read: (uri: string) => Promise<string>;
    prompt: (name: string, given: Record<string, string>) => Promise<string>;
    /** The steps that were heard of. */
    steps?: (name: string, given: Message) => Promise<number>;
    /** What was asked so far, by method. */
    asked?: () => string[];
};

type Client = { name: string; connect: (t: TestContext, url: string) => Promise<Driver> };

/** How each thing is done with a server; resolves when it was done well. What it has not, it cannot. */
type Server = {
    name: string;
    places: (t: TestContext) => Promise<Record<string, object>>; // by transport: entries of mcp.json
    does: Partial<Record<Thing, (driver: Driver) => Promise<void>>>;
};

const asks = (method: string, name: string, said: RegExp) => async (driver: Driver) => {
    await until(`the tool ${name}`, 20000, async () => (await driver.list()).includes(name)); // some have it a while after the opening only
    const before = driver.asked!().length;
    match(await driver.call(name, name === 'trigger-sampling-request' ? { prompt: 'hi' } : {}), said);
    deepEqual(driver.asked!().slice(before).filter((each) => each === method), [method]); // prettier-ignore
};

// Clients --------------------------------------------------------------------------------------------------------------

function driverOf(peer: Peer): Driver {
    const { client } = peer;
    return {
        list: async () => (await client.listTools()).tools.map(({ name }) => name),
        call: (name, given) => peer.call(name, given),
        read: async (uri) => String(((await client.readResource({ uri })).contents[0] as Message)['text']),
        prompt: async (name, given) => String(((await client.getPrompt({ name, arguments: given })).messages[0]!.content as Message)['text']),
        steps: async (name, given) => {
            let steps = 0;
            await peer.call(name, given, {}, { onprogress: () => steps++ });
            return steps;
        },
        asked: () => peer.asked,
    };
}

const inspector = join(packages, '@modelcontextprotocol/inspector/clients/launcher/build/index.js');

const TOOL_FAILED = 5; // its exit code for isError

/** A process for each question. It answers none. */
async function inspect(t: TestContext, url: string, era: string): Promise<Driver> {
    const home = mkdtempSync(join(tmpdir(), 'gatehouse-inspector-'));
    const ask = async (method: string, ...more: string[]): Promise<Message> => {
        const args = [inspector, '--cli', url, '--protocol-era', era, '--method', method, ...more, '--format', 'json', '-q'];
        const { code, stdout, stderr } = await finish(process.execPath, args, 60000, { HOME: home });
        ok(code === 0 || code === TOOL_FAILED, `${method} ${more.join(' ')}: ${stderr}${stdout}`);
        const answer = JSON.parse(stdout);
        return answer.result ?? answer;
    };
    const pairs = (option: string, given: object) => Object.entries(given).flatMap(([name, value]) => [option, `${name}=${value}`]);

    atEnd(t, () => rmSync(home, { recursive: true, force: true }));
    return {
        list: async () => (await ask('tools/list'))['tools'].map(({ name }: Message) => name),
        call: async (name, given) => (await ask('tools/call', '--tool-name', name, ...pairs('--tool-arg', given)))['content'][0].text,
        read: async (uri) => (await ask('resources/read', '--uri', uri))['contents'][0].text,
        prompt: async (name, given) => (await ask('prompts/get', '--prompt-name', name, ...pairs('--prompt-args', given)))['messages'][0].content.text,
    };
}

const peer = (name: string, make: () => Peer): Client => ({ name, connect: async (t, url) => driverOf(await make().connect(t, { url })) });

const clients: Client[] = [
    peer('SDK 1', () => new Peer('sdk 1.32.2')),
    peer('SDK 2, legacy', () => new Peer('client 2.4.0')),
    peer('SDK 2, auto', () => new Peer('client 2.4.0', 'auto')),
    peer('SDK 2, modern', () => new Peer('client 2.4.0 at 2026-07-28')),
    { name: 'Inspector 2, legacy', connect: (t, url) => inspect(t, url, 'legacy') },
    { name: 'Inspector 2, modern', connect: (t, url) => inspect(t, url, 'modern') },
    { name: 'SDK 1 on stdio, mcp-remote', connect: async (t, url) => driverOf(await new Peer('sdk 1.32.2').connect(t, remote(t, url, 'proxy'))) },
];

// Servers --------------------------------------------------------------------------------------------------------------

const stdio = (...args: string[]) => ({ command: process.execPath, args });
const program = (name: string) => ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'servers', `${name}.ts`)];

async function spoken(t: TestContext, ...args: string[]): Promise<string> {
    const server = run(t, process.execPath, args);
    return await until(`the URL of ${args.join(' ')}`, START_LIMIT_MS, () => /^http:\S+/m.exec(server.stdout)?.[0]);
}

async function listening(t: TestContext, path: string, env: Record<string, string>, ...args: string[]): Promise<string> {
    const server = run(t, process.execPath, args, env);
    return `http://127.0.0.1:${await until(`the port of ${args.join(' ')}`, START_LIMIT_MS, () => listensOn(server.pid))}${path}`;
}

/** Those of ours, one on each SDK. */
const ours: Server['does'] = {
    list: async ({ list }) => deepEqual(await list(), tools.map(({ name }) => name)), // prettier-ignore
    call: async ({ call }) => equal(await call('add', { a: 2, b: 40 }), words.sum({ a: 2, b: 40 })),
    resource: async ({ read }) => equal(await read(words.uri), words.note),
    prompt: async ({ prompt }) => equal(await prompt('greeting', {}), words.prompt),
    elicitation: asks('elicitation/create', 'ask', /^Hello, Ada!$/),
    sampling: asks('sampling/createMessage', 'think', /^It said: You said: What do you think\?$/),
    roots: asks('roots/list', 'where', /^Roots: file:\/\/\/somewhere$/),
    progress: async ({ steps }) => ok((await steps!('count', {})) >= STEPS - 1), // what comes in one piece with the answer, the SDKs lose
};

const dist = (name: string) => join(packages, name, 'dist/index.js');
const everything = dist('@modelcontextprotocol/server-everything');
const context7 = dist('@upstash/context7-mcp');

function folder(t: TestContext): string {
    const path = realpathSync(mkdtempSync(join(tmpdir(), 'gatehouse-matrix-')));
    atEnd(t, () => rmSync(path, { recursive: true }));
    writeFileSync(join(path, 'note.txt'), 'A note in a file.\n');
    return path;
}

let files = ''; // where server-filesystem may look

const servers: Server[] = [
    {
        name: 'SDK 1',
        places: async (t) => ({
            stdio: stdio(...program('sdk-v1'), 'stdio'),
            HTTP: { url: await spoken(t, ...program('sdk-v1'), 'http') },
            SSE: { type: 'sse', url: await spoken(t, ...program('sdk-v1'), 'sse') },
        }),
        does: ours,
    },
    {
        name: 'SDK 2',
        places: async (t) => ({ stdio: stdio(...program('sdk-v2'), 'stdio'), HTTP: { url: await spoken(t, ...program('sdk-v2'), 'http') } }),
        does: ours,
    },
    {
        name: 'server-everything',
        places: async (t) => ({
            stdio: everythingStdio,
            HTTP: { url: await everythingHttp(t) },
            SSE: { type: 'sse', url: await listening(t, '/sse', { PORT: '0' }, everything, 'sse') },
        }),
        does: {
            list: async ({ list }) => ok((await list()).length >= 13),
            call: async ({ call }) => equal(await call('get-sum', { a: 2, b: 40 }), 'The sum of 2 and 40 is 42.'),
            resource: async ({ read }) => match(await read('demo://resource/static/document/features.md'), /Features/),
            prompt: async ({ prompt }) => match(await prompt('args-prompt', { city: 'Oslo' }), /Oslo/),
            elicitation: asks('elicitation/create', 'trigger-elicitation-request', /provided the requested information/),
            sampling: asks('sampling/createMessage', 'trigger-sampling-request', /You said: /),
            progress: async ({ steps }) => ok((await steps!('trigger-long-running-operation', { duration: 0.3, steps: 3 })) >= 2),
        },
    },
    {
        name: 'server-filesystem',
        places: async (t) => ({ stdio: stdio(dist('@modelcontextprotocol/server-filesystem'), (files = folder(t))) }),
        does: {
            list: async ({ list }) => equal((await list()).length, 14),
            call: async ({ call }) => equal(await call('read_text_file', { path: join(files, 'note.txt') }), 'A note in a file.\n'),
        },
    },
    {
        name: 'server-memory',
        places: async (t) => ({ stdio: { ...stdio(dist('@modelcontextprotocol/server-memory')), env: { MEMORY_FILE_PATH: join(folder(t), 'memory.jsonl') } } }),
        does: {
            list: async ({ list }) => equal((await list()).length, 9),
            call: async ({ call }) => match(await call('read_graph', {}), /"entities"/),
        },
    },
    {
        name: 'context7-mcp',
        places: async () => ({ stdio: stdio(context7) }), // its HTTP answers 404 to /mcp, by itself too (4.1.1 with the express it gets)
        does: {
            list: async ({ list }) => deepEqual(await list(), ['resolve-library-id', 'query-docs']),
            call: async ({ call }) => match(await call('resolve-library-id', {}), /./), // without its arguments: that is said here, what it would look for is elsewhere
        },
    },
];

// Each with each -------------------------------------------------------------------------------------------------------

type Column = { title: string; entry: string; server: Server };

async function columns(t: TestContext): Promise<{ all: Column[]; entries: Record<string, object> }> {
    const entries: Record<string, object> = {};
    const all: Column[] = [];

    for (const server of servers)
        for (const [transport, entry] of Object.entries(await server.places(t))) {
            const name = `${server.name}-${transport}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
            entries[name] = entry;
            all.push({ title: `${server.name}, ${transport}`, entry: name, server });
        }
    return { all, entries };
}

const canDo = (driver: Driver, thing: Thing) => (thing === 'progress' ? driver.steps !== undefined : !/elicitation|sampling|roots/.test(thing) || driver.asked !== undefined);

function table(all: Column[], done: Map<string, string>): string {
    const row = (cells: string[]) => `| ${cells.join(' | ')} |\n`;
    const cells = (column: Column) => clients.map(({ name }) => done.get(`${name} to ${column.title}`) ?? '');

    return row(['server', ...clients.map(({ name }) => name)]) + row(['---', ...clients.map(() => '---')]) + all.map((column) => row([column.title, ...cells(column)])).join('');
}

/** What the page says, which stands for the cells that are not tried now. */
function onPage(all: Column[]): Map<string, string> {
    const rows = readFileSync(join(root, 'docs/bridging.md'), 'utf8').split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    const said = new Map<string, string>();
    for (const { title } of all)
        for (const [at, { name }] of clients.entries()) said.set(`${name} to ${title}`, rows.find((cells) => cells[1] === title)?.[at + 2] ?? '');
    return said;
}

test('real clients through Gatehouse to real servers', { timeout: 1200000, concurrency: AT_ONCE }, async (t) => {
    const { all, entries } = await columns(t);
    const gatehouse = await house(t, entries, { GATEHOUSE_STDIO_SHARED_MAX: '50' });
    const done = onPage(all);

    const runs = clients.flatMap((client, at) =>
        all.filter((_, row) => isWhole || (at + row) % EVERY === 0).map((column) => {
            const name = `${client.name} to ${column.title}`;
            done.delete(name);
            return t.test(name, { timeout: 240000 }, async (own) => {
                const driver = await client.connect(own, gatehouse.url(column.entry));
                for (const [thing, letter] of Object.entries(things) as [Thing, string][]) {
                    const play = column.server.does[thing];
                    if (play === undefined || !canDo(driver, thing)) continue;
                    await own.test(thing, { timeout: 120000 }, async () => {
                        await play(driver);
                        done.set(name, (done.get(name) ?? '') + letter);
                    });
                }
            });
        }),
    );
    await Promise.all(runs);
    await t.test('the page says what was done', () => keepPage('matrix', table(all, done), 'docs/bridging.md'));
});
