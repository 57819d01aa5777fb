// What upstreams.test.ts and clients.test.ts share: an HTTP server that says whatever it is told to, byte by byte; a
// client that reports all it was given; a watch over the servers that behave, and over what a process holds.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, echoHttp, echoStdio, run, until } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';

export const MIB = 1 << 20;

// Servers -----------------------------------------------------------------------------------------------------------

/** One request that came: `id` as JSON text. */
export type Asked = { id: string; method: string; verb: string; head: string };
export type Saying = (socket: Socket, asked: Asked) => unknown;

/** Takes requests by hand and lets `say` answer, or do what it likes; resolves to its URL. */
export async function hostile(t: TestContext, say: Saying): Promise<{ url: string; sockets: Set<Socket> }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
        let came = Buffer.alloc(0);
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        socket.on('error', () => {});
        socket.on('data', (bytes) => {
            came = Buffer.concat([came, bytes]);
            for (;;) {
                const end = came.indexOf('\r\n\r\n');
                if (end < 0) return;
                const head = came.toString('latin1', 0, end);
                const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
                if (came.length < end + 4 + length) return;
                const body = came.toString('utf8', end + 4, end + 4 + length);
                came = came.subarray(end + 4 + length);
                const message = body === '' ? {} : JSON.parse(body);
                const id = message.id === undefined ? '' : JSON.stringify(message.id);
                say(socket, { id, method: message.method ?? '', verb: head.split(' ')[0]!, head });
            }
        });
    });

    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, sockets };
}

export const head = (type: string, more = '') => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${more}\r\n`;
export const counted = (body: string, type = 'application/json') => head(type, `Content-Length: ${Buffer.byteLength(body)}\r\n`) + body;
export const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
export const streamed = (text = '') => head('text/event-stream', 'Transfer-Encoding: chunked\r\n') + (text === '' ? '' : chunk(text));
export const event = (json: string) => `data: ${json}\n\n`;
export const result = (id: string, what = '{}') => `{"jsonrpc":"2.0","id":${id},"result":${what}}`;

async function writable(socket: Socket): Promise<void> {
    await new Promise<void>((resolve) => {
        const go = () => {
            socket.off('drain', go).off('close', go);
            resolve();
        };
        socket.on('drain', go).on('close', go);
    });
}

/** Writes `piece` until `bytes` have gone or nobody takes them, as fast as they are taken. */
export async function pour(socket: Socket, piece: string | Buffer, bytes: number): Promise<void> {
    for (let gone = 0; gone < bytes && !socket.destroyed; gone += piece.length)
        if (!socket.write(piece)) await writable(socket);
}

/** Says `text` a byte at a time. */
export async function drip(socket: Socket, text: string, everyMs: number): Promise<void> {
    for (const byte of text) {
        if (socket.destroyed) return;
        socket.write(byte);
        await sleep(everyMs);
    }
}

// Clients -----------------------------------------------------------------------------------------------------------

type Failure = { code: number; message: string; data?: { reason?: string } };
/** `error`: of the message with the request's id, which is the JSON body or an event. */
export type Said = { status: number; type: string; text: string; bytes: number; cut: boolean; ms: number; id: string; error: Failure | undefined };

let last = 0;

/** Asks and reads to the end; keeps the first and the last 64 KiB of what it was told. */
export async function ask(url: string, method: string, headers: Record<string, string>, params: unknown = {}): Promise<Said> {
    const id = `fault-${++last}`;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const began = performance.now();
    const rest: Buffer[] = []; // the end of it
    let left = 0;
    const said: Said = { status: 0, type: '', text: '', bytes: 0, cut: false, ms: 0, id, error: undefined };

    await new Promise<void>((resolve) => {
        const going = request(url, {
            method: 'POST',
            agent: false,
            headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        });
        const late = setTimeout(() => going.destroy(), 60000);
        const end = (cut: boolean) => {
            clearTimeout(late);
            said.cut = cut;
            resolve();
        };
        going.on('response', (response) => {
            said.status = response.statusCode!;
            said.type = response.headers['content-type'] ?? '';
            response.on('data', (bytes: Buffer) => {
                said.bytes += bytes.length;
                if (said.text.length < 65536) return void (said.text += bytes.toString('latin1'));
                rest.push(bytes);
                for (left += bytes.length; left - rest[0]!.length > 65536; ) left -= rest.shift()!.length;
            });
            response.on('end', () => end(false));
            response.on('error', () => end(true));
        });
        going.on('error', () => end(true));
        going.end(body);
    });
    said.ms = performance.now() - began;
    said.text += Buffer.concat(rest).toString('latin1');
    for (const text of said.type.startsWith('text/event-stream') ? said.text.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5)) : [said.text]) {
        try {
            const message = JSON.parse(text);
            if (message.id === id && message.error !== undefined) said.error = message.error;
        } catch {} // not ours
    }
    return said;
}

/** `count` connections by a process of their own, each of which says `text`; resolves when all were begun. */
export async function crowdOf(t: TestContext, port: number, count: number, text: string) {
    const crowd = run(t, process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'crowd.ts'), String(port), String(count), text]);
    await until('a crowd', 60000, () => crowd.stdout.includes('there'));
    return crowd;
}

// What must not suffer ----------------------------------------------------------------------------------------------

/** Two servers that behave, to be registered under these names. */
export const healthy = async (t: TestContext) => ({ goodhttp: { url: await echoHttp(t, '--sessions') }, goodchild: echoStdio });

/** Calls both every few milliseconds; `stop` resolves to the latencies in ms, sorted, and to what went wrong. */
export function watchHealthy(t: TestContext, gatehouse: House) {
    const urls = Object.fromEntries(['goodhttp', 'goodchild'].map((name) => [gatehouse.url(name), name]));
    const watcher = run(t, process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'watch.ts'), ...Object.keys(urls)]);

    return {
        async stop() {
            watcher.child.stdin!.end();
            await watcher.ended;
            const { times, wrong } = JSON.parse(watcher.stdout) as { times: Record<string, number[]>; wrong: string[] };
            return { wrong: [...wrong, ...watcher.stderr.split('\n').filter(Boolean)], times: Object.fromEntries(Object.entries(times).map(([url, all]) => [urls[url]!, all])) };
        },
    };
}

export const quantile = (sorted: number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
export const p99s = (times: Record<string, number[]>) => Object.entries(times).map(([name, all]) => `${name} ${all.length} calls p50 ${quantile(all, 0.5).toFixed(1)} p99 ${quantile(all, 0.99).toFixed(1)} max ${quantile(all, 1).toFixed(1)} ms`).join(', '); // prettier-ignore

const statusLine = (pid: number, name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024;

/** Bytes resident now, and the most there were since `forgetPeak`. */
export const resident = (pid: number) => statusLine(pid, 'VmRSS');
export const peak = (pid: number) => statusLine(pid, 'VmHWM');
export const forgetPeak = (pid: number) => writeFileSync(`/proc/${pid}/clear_refs`, '5');
export const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

export type Row = { id: string; server: string; method: string; kind: string; jsonrpc_id: string; outcome: string | null; error_code: number | null; http_status: number | null; messages?: { from: string; text: string }[] };

/** The log, as `gatehouse logs --json` shows it. */
export async function log(gatehouse: House, ...more: string[]): Promise<Row[]> {
    const { code, stdout, stderr } = await gatehouse.command('logs', '--json', '--limit', '0', ...more);
    if (code !== 0) throw new Error(stderr);
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** The row of a request, when it is over. */
export const logged = async (gatehouse: House, id: string): Promise<Row> =>
    await until(`the log of ${id}`, 10000, async () => (await log(gatehouse)).find((row) => row.jsonrpc_id === id && row.outcome !== null));

type Status = { servers: { name: string; calls: number; errors: number; callsInFlight: number; oddLines: number; refusedQuestions: number }[]; liveObjects: { exchanges: number; streams: number; sessions: number }; objects: { heldBytes: number }; recorded: { lost: number; missingBytes: number } };

export async function status(gatehouse: House): Promise<Status> {
    const response = await fetch(`http://127.0.0.1:${gatehouse.port}/api/status`, { headers: { authorization: `Bearer ${gatehouse.token}` } });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Status;
}

const LEFT_LIMIT_MS = 60000; // on a machine that does other things

/** Nothing is open but what was: waits until exchanges and descriptors are back. */
export async function nothingLeft(gatehouse: House, before: number): Promise<void> {
    await until('no exchange is open', LEFT_LIMIT_MS, async () => (await status(gatehouse)).liveObjects.exchanges === 0);
    await until(`${before} descriptors as before, not ${descriptors(gatehouse.pid)}`, LEFT_LIMIT_MS, () => descriptors(gatehouse.pid) <= before);
}
