// What the tests of this folder share: a Gatehouse with a home of its own, upstreams to put behind it, a look at its
// process tree and into its database. All of it ends with the test that started it, however that ends.

import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export const root = join(import.meta.dirname, '../..');
export const packages = join(root, 'tests/node_modules');
/** Of `script/test --long`. */
export const isLong = process.env['TEST_LONG'] === '1';
export const built = (program: string) => join(root, 'build', program);
/** The same with AddressSanitizer and UndefinedBehaviorSanitizer. */
export const sanitized = (program: string) => join(root, 'build-asan', program);

const START_LIMIT_MS = 20000;
const OUTLIVED_MS = 5000;
const STOP_LIMIT_MS = 20000; // a drain takes 10 s at most, then children may take 4

/** Resolves to the first answer that is neither undefined nor false. */
export async function until<T>(what: string, limitMs: number, ask: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
    const end = performance.now() + limitMs;

    for (;;) {
        const answer = await ask();
        if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
        if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
        await sleep(20);
    }
}

const endings = new WeakMap<TestContext, (() => unknown)[]>();

/** Done when the test ends, what was said last first: a home goes after its gateway. None that fails keeps the others from it. */
export function atEnd(t: TestContext, what: () => unknown): void {
    const known = endings.get(t);
    const all = known ?? [];

    all.push(what);
    if (known !== undefined) return;
    endings.set(t, all);
    t.after(async () => {
        const failed: unknown[] = [];
        for (let next; (next = all.pop()) !== undefined; )
            try {
                await next();
            } catch (error) {
                failed.push(error);
            }
        if (failed.length > 0) throw failed[0];
    });
}

// Processes ---------------------------------------------------------------------------------------------------------

/** A process by pid and start time: a pid alone may come again. */
export type Process = { pid: number; started: string; command: string };

function readProcess(pid: number): Process | undefined {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third, the state, on
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        return fields[0] === 'Z' ? undefined : { pid, started: fields[19]!, command };
    } catch {
        return undefined;
    }
}

function childrenOf(pid: number): number[] {
    try {
        const tasks = readdirSync(`/proc/${pid}/task`);
        return tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ')).filter(Boolean).map(Number);
    } catch {
        return [];
    }
}

/** All below a process, itself not. */
export function descendants(pid: number): Process[] {
    return childrenOf(pid).flatMap((child) => [readProcess(child), ...descendants(child)]).filter((each) => each !== undefined);
}

export const alive = (those: Process[]) => those.filter((each) => readProcess(each.pid)?.started === each.started);

/** All processes, whosesoever children, that have NAME=value in their environment. */
export function marked(name: string, value: string): Process[] {
    const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number);

    return pids
        .filter((pid) => {
            try {
                return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${name}=${value}`);
            } catch {
                return false;
            }
        })
        .map(readProcess)
        .filter((each) => each !== undefined);
}

/** A program that runs for the length of a test; its stdin stays open. */
export function run(t: TestContext, command: string, args: string[], env: Record<string, string> = {}) {
    const child: ChildProcess = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    const program = { child, pid: child.pid!, stdout: '', stderr: '', ended: undefined as Promise<string> | undefined };

    child.stdout!.on('data', (text) => (program.stdout += text));
    child.stderr!.on('data', (text) => (program.stderr += text));
    program.ended = new Promise((resolve) => {
        child.on('error', (error) => resolve(String(error)));
        child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    atEnd(t, async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        await Promise.race([program.ended, sleep(OUTLIVED_MS, undefined, { ref: false })]);
        child.stdout!.destroy(); // what outlived it and holds these would keep us too
        child.stderr!.destroy();
    });
    return program as typeof program & { ended: Promise<string> };
}

/** Runs a program to its end. */
export async function finish(command: string, args: string[], limitMs = 60000, env: Record<string, string> = {}) {
    try {
        const options = { timeout: limitMs, maxBuffer: 1 << 28, env: { ...process.env, ...env } };
        return { code: 0, ...(await promisify(execFile)(command, args, options)) };
    } catch (error) {
        const { code, stdout, stderr, message } = error as Error & { code?: number; stdout?: string; stderr?: string };
        return { code: typeof code === 'number' ? code : -1, stdout: stdout ?? '', stderr: stderr || message };
    }
}

// Gatehouse ---------------------------------------------------------------------------------------------------------

export type Servers = Record<string, unknown>;

export class House {
    home: string;
    port = 0;
    #program!: ReturnType<typeof run>;
    #t: TestContext;

    constructor(t: TestContext) {
        this.#t = t;
        this.home = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
        atEnd(t, () => rmSync(this.home, { recursive: true, force: true }));
    }

    get pid(): number {
        return this.#program.pid;
    }

    /** Exit code or signal; resolves when it has ended. */
    get ended(): Promise<string> {
        return this.#program.ended;
    }

    get said(): string {
        return this.#program.stderr;
    }

    async start(env: Record<string, string> = {}, program = built('gatehouse')): Promise<this> {
        this.#program = run(this.#t, program, ['serve', '--home', this.home, '--port', '0'], env);
        const started = this.#program;
        const line = until('the URL of gatehouse', START_LIMIT_MS, () => /http:\/\/localhost:(\d+).*\n/.exec(started.stdout) ?? undefined);
        const ready = await Promise.race([line, started.ended]);

        if (typeof ready === 'string') throw new Error(`gatehouse did not start: ${ready}; ${started.stderr}`);
        this.port = Number(ready[1]);
        return this;
    }

    /** Asks it to end and resolves to how it did. */
    async stop(): Promise<string> {
        this.kill('SIGTERM');
        const late = sleep(STOP_LIMIT_MS, 'still running', { ref: false });
        return await Promise.race([this.ended, late]);
    }

    /** Resolves when what is built in has made its copy of the day, some seconds after the start: SQLite keeps a descriptor of it. */
    async settled(): Promise<void> {
        const copies = join(this.home, 'users/local/backups');
        await until('a copy of what is built in', START_LIMIT_MS, () => existsSync(copies) && readdirSync(copies).some((name) => name.endsWith('.db')));
    }

    kill(signal: NodeJS.Signals): void {
        this.#program.child.kill(signal);
    }

    url(server: string): string {
        return `http://127.0.0.1:${this.port}/s/${server}/mcp`;
    }

    get token(): string {
        return readFileSync(join(this.home, 'token'), 'utf8').trim();
    }

    /** Writes mcp.json as an editor does: a new file in the place of the old one. */
    register(servers: Servers | string): void {
        const text = typeof servers === 'string' ? servers : JSON.stringify({ mcpServers: servers }, null, 2);
        const path = join(this.home, 'mcp.json');

        writeFileSync(`${path}.new`, text, { mode: 0o600 });
        renameSync(`${path}.new`, path);
    }

    sql<Row = Record<string, unknown>>(query: string): Row[] {
        const database = join(this.home, 'traffic.db');
        const text = execFileSync('sqlite3', ['-json', database, '.timeout 5000', query], { encoding: 'utf8', maxBuffer: 1 << 28 });
        return text.trim() === '' ? [] : JSON.parse(text);
    }

    async command(...args: string[]) {
        return await finish(built('gatehouse'), args, 60000, { GATEHOUSE_HOME: this.home });
    }
}

export async function house(t: TestContext, servers: Servers | string, env: Record<string, string> = {}, program?: string): Promise<House> {
    const it = new House(t);

    it.register(servers);
    return await it.start(env, program);
}

// Upstreams ---------------------------------------------------------------------------------------------------------

const everything = join(packages, '@modelcontextprotocol/server-everything/dist/index.js');

export const everythingStdio = { command: process.execPath, args: [everything, 'stdio'] };
export const echoStdio = { command: built('bench/echo_stdio') };
/** A child that is a few lines of JavaScript. */
export const script = (text: string) => ({ command: process.execPath, args: ['-e', text] });

/** The port on which a process listens: the kernel picked it. */
export function listensOn(pid: number): number | undefined {
    const inodes = new Set<string>();
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        try {
            const socket = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`));
            if (socket !== null) inodes.add(socket[1]!);
        } catch {} // closed meanwhile
    }
    for (const table of ['tcp', 'tcp6'])
        for (const line of readFileSync(`/proc/net/${table}`, 'latin1').split('\n').slice(1)) {
            const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
            if (state === '0A' && inodes.has(inode!)) return parseInt(local!.split(':')[1]!, 16);
        }
    return undefined;
}

/** server-everything over Streamable HTTP; resolves to its URL. */
export async function everythingHttp(t: TestContext): Promise<string> {
    const server = run(t, process.execPath, [everything, 'streamableHttp'], { PORT: '0' });
    const port = await until('the port of server-everything', START_LIMIT_MS, () => listensOn(server.pid));
    return `http://127.0.0.1:${port}/mcp`;
}

/** bench/echo_http; resolves to its URL. */
export async function echoHttp(t: TestContext, ...args: string[]): Promise<string> {
    const server = run(t, built('bench/echo_http'), args);
    return await until('the URL of echo_http', START_LIMIT_MS, () => /http:\S+/.exec(server.stdout)?.[0]);
}

export type Answerer = (incoming: IncomingMessage, answer: ServerResponse, body: string) => void;

/** An upstream in this process; resolves to its URL. */
export async function upstream(t: TestContext, take: Answerer): Promise<string> {
    const server = createServer((incoming, answer) => {
        let body = '';
        incoming.on('data', (text) => (body += text));
        incoming.on('end', () => take(incoming, answer, body));
    });

    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

/** Answers as a server of this name would, whatever it is asked. */
export const answersAs =
    (name: string): Answerer =>
    (incoming, answer, body) => {
        const message = body === '' ? {} : JSON.parse(body);
        const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name, version: '1' } };

        if (incoming.method !== 'POST') return void answer.writeHead(405).end();
        if (message.id === undefined) return void answer.writeHead(202).end();
        answer.writeHead(200, { 'content-type': 'application/json' });
        answer.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    };

/** What bench/load says of a run as JSON. */
export type Load = { calls: number; errors: number; p50_us: number; p99_us: number; max_us: number };

export const loadArgs = (url: string, ...more: string[]) => ['--url', url, '--session', 'per-connection', '--json', ...more];

export async function load(url: string, ...more: string[]): Promise<Load & { code: number; stderr: string }> {
    const { code, stdout, stderr } = await finish(built('bench/load'), loadArgs(url, ...more), 120000);
    return { code, stderr, ...(JSON.parse(stdout || '{}') as Load) };
}

// HTTP by hand ------------------------------------------------------------------------------------------------------

/** A request with any header, Host too, which fetch keeps to itself. */
export async function raw(url: string, method: string, headers: OutgoingHttpHeaders, body = '') {
    return await new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
        const going = request(url, { method, headers, agent: false }, (response) => {
            let text = '';
            response.on('data', (more) => (text += more));
            response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
        });
        going.on('error', reject);
        going.end(body);
    });
}

let lastId = 0;

/** One JSON-RPC request by fetch, and what came back: enough where an official client would hide what matters. */
export async function post(url: string, method: string, params: unknown = {}, headers: Record<string, string> = {}, signal?: AbortSignal) {
    const id = `hand-${++lastId}`;
    const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
        redirect: 'manual',
        signal: signal ?? AbortSignal.timeout(30000),
    });
    const text = await response.text();
    const data = /^data: ?(\{.*)$/m.exec(text)?.[1] ?? text; // the first event that says something
    let message: { id?: string; result?: Record<string, unknown>; error?: { code: number; message: string; data?: Record<string, unknown> } } = {};
    try {
        message = JSON.parse(data);
    } catch {} // the text says what it is
    return { id, status: response.status, headers: response.headers, text, message };
}

const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hand', version: '1' } };

/** Opens a session; resolves to the headers that go with each of its requests. */
export async function open(url: string): Promise<Record<string, string>> {
    const { status, headers, text } = await post(url, 'initialize', hello);
    if (status !== 200) throw new Error(`initialize: ${status} ${text}`);
    const session = headers.get('mcp-session-id');
    return { 'mcp-protocol-version': '2025-11-25', ...(session !== null && { 'mcp-session-id': session }) };
}

export type Call = { id: string; began: number; ended: number; status: number; text: string };

/** Calls one after the other, each with `params`, until stopped; what became of each. Times as performance.now(). */
export function keepCalling(url: string, callers: number, params: unknown = { name: 'echo', arguments: { text: 'on and on' } }) {
    const calls: Call[] = [];
    let goes = true;

    const caller = async () => {
        const session = await open(url);
        while (goes) {
            const began = performance.now();
            try {
                const { id, status, text } = await post(url, 'tools/call', params, session);
                calls.push({ id, began, ended: performance.now(), status, text });
            } catch (error) {
                calls.push({ id: '', began, ended: performance.now(), status: 0, text: String((error as Error).cause ?? error) });
                return;
            }
        }
    };
    const done = Promise.all(Array.from({ length: callers }, caller));

    done.catch(() => {}); // said by whoever awaits it
    return {
        calls,
        done,
        async stop(): Promise<Call[]> {
            goes = false;
            await done;
            return calls;
        },
    };
}
