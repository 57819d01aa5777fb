// A client of sessions with stdio servers, and with services of ours, that can leave in every way, and a look at what is
// left behind.

import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, House, built, descendants, marked, raw, until } from '../e2e/harness.ts';

export const MARK = 'GATEHOUSE_SESSIONS';
export const difficult = built('tests/fault/difficult_child');

export type Answer = { status: number; text: string; session: string | undefined; ms: number };

/** The messages of an answer, whether it is JSON or a stream. */
export const said = (answer: Answer) => /"message":"([^"]*)"/.exec(answer.text)?.[1] ?? answer.text;

/** It failed on the server's side: with a status, or, when its stream had begun, with an error event. */
export const isFailure = ({ status, text }: { status: number; text: string }) => status === 502 || (status === 200 && /^data: .*"error":/m.test(text));

/** One client with one session: its connections are its own and can be cut. */
export class Visitor {
    #agent = new Agent({ keepAlive: true });
    #url: string;
    #own: Record<string, string>;
    #id: string | undefined;
    #going = new Set<ClientRequest>();
    #number = 0;
    heard = ''; // all that came in answers and streams, as it came

    /** `own`: header fields of all it sends. */
    constructor(url: string, own: Record<string, string> = {}) {
        this.#url = url;
        this.#own = own;
    }

    #send(method: string, body: string, onHead?: (response: IncomingMessage) => void, more: Record<string, string> = {}): Promise<Answer> {
        const began = performance.now();
        const headers = {
            accept: 'application/json, text/event-stream',
            ...(body !== '' && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
            ...(this.#id !== undefined && { 'mcp-session-id': this.#id, 'mcp-protocol-version': '2025-11-25' }),
            ...this.#own,
            ...more,
        };

        return new Promise((resolve, reject) => {
            const going = request(this.#url, { method, headers, agent: this.#agent, timeout: 60000 }, (response) => {
                let text = '';
                response.setEncoding('utf8');
                response.on('data', (more) => {
                    text += more;
                    this.heard += more;
                });
                response.on('end', () => {
                    this.#going.delete(going);
                    const session = response.headers['mcp-session-id'] as string | undefined;
                    resolve({ status: response.statusCode!, text, session, ms: performance.now() - began });
                });
                response.on('error', reject);
                onHead?.(response);
            });
            this.#going.add(going);
            going.on('error', reject);
            going.on('timeout', () => going.destroy(new Error(`no answer to ${method} ${body.slice(0, 200)}`)));
            going.end(body);
        });
    }

    #message(method: string, params: unknown, id?: string): string {
        return JSON.stringify({ jsonrpc: '2.0', ...(id !== undefined && { id }), method, params });
    }

    request(method: string, params: unknown = {}): Promise<Answer> {
        return this.#send('POST', this.#message(method, params, `n-${++this.#number}`));
    }

    /** Of revision 2026-07-28: without a session. Resolves when the answer is whole; `onHead` hears of its begin. */
    modern(method: string, params: Record<string, unknown> = {}, onHead?: () => void): Promise<Answer> {
        const prefix = 'io.modelcontextprotocol/';
        const _meta = { [`${prefix}protocolVersion`]: '2026-07-28', [`${prefix}clientCapabilities`]: {} };
        const name: Record<string, string> = typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {};
        const more = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...name };

        return this.#send('POST', this.#message(method, { ...params, _meta }, `m-${++this.#number}`), onHead, more);
    }

    notify(method: string, params: unknown = {}): Promise<Answer> {
        return this.#send('POST', this.#message(method, params));
    }

    reply(id: string, result: unknown): Promise<Answer> {
        return this.#send('POST', JSON.stringify({ jsonrpc: '2.0', id, result }));
    }

    /** Asks for a session without waiting for it. */
    knock(): Promise<Answer> {
        return this.request('initialize', { protocolVersion: '2025-11-25', capabilities: { roots: {} }, clientInfo: { name: 'visitor', version: '1' } });
    }

    async open(): Promise<this> {
        const answer = await this.knock();
        if (answer.status !== 200 || answer.session === undefined) throw new Error(`initialize: ${answer.status} ${answer.text}`);
        this.#id = answer.session;
        await this.notify('notifications/initialized');
        return this;
    }

    call(tool: string, text = ''): Promise<Answer> {
        return this.request('tools/call', { name: tool, arguments: { text } });
    }

    /** The call must succeed; resolves to its text. */
    async ask(tool: string, text = ''): Promise<string> {
        const answer = await this.call(tool, text);
        const got = /"text":"([^"]*)"/.exec(answer.text)?.[1];
        if (answer.status !== 200 || got === undefined) throw new Error(`${tool}: ${answer.status} ${answer.text}`);
        return got;
    }

    /** Resolves when the stream is open; `done` when it ended. `after`: the id of the last event that it has seen. */
    async listen(after?: string): Promise<{ done: Promise<Answer> }> {
        let done!: Promise<Answer>;
        const more: Record<string, string> = after === undefined ? {} : { 'last-event-id': after };
        await new Promise<void>((resolve, reject) => {
            done = this.#send('GET', '', () => resolve(), more);
            done.catch(reject);
        });
        return { done };
    }

    delete(): Promise<Answer> {
        return this.#send('DELETE', '');
    }

    /** All its connections close, whatever runs on them. */
    cut(): void {
        for (const going of this.#going) going.destroy();
        this.#agent.destroy();
    }
}

// What is left ------------------------------------------------------------------------------------------------------

export type Objects = Record<string, number>;

export async function objects(house: House): Promise<Objects> {
    const { text } = await raw(`http://127.0.0.1:${house.port}/api/status`, 'GET', { authorization: `Bearer ${house.token}` });
    return (JSON.parse(text) as { objects: Objects }).objects;
}

/** Those of which one at rest has none. The request that asks is an apiJob, a link and a connection. */
const NONE_AT_REST = [
    ...['exchanges', 'hops', 'delayed', 'visits', 'sessions', 'lanes', 'channels', 'channelCalls', 'questions', 'heldMessages'],
    ...['answerStreams', 'keptEvents'],
    ...['children', 'upstreamCalls', 'tellings', 'mails', 'httpCalls', 'dials', 'lookups', 'wires', 'workerJobs', 'heldBytes'],
];

export const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** Its own memory: pages of files are the kernel's to keep. */
const residentKiB = (pid: number) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);

/** The least in some seconds: a while after the calls the log is written, and every five what was freed is given back. */
export async function settledKiB(pid: number): Promise<number> {
    let least = Infinity;
    for (let i = 0; i < 28; i++) {
        least = Math.min(least, residentKiB(pid));
        await sleep(250);
    }
    return least;
}

export type Rest = { left: Objects; processes: string[]; descriptors: number };

function look(house: House, mark: string, now: Objects): Rest {
    const left = Object.fromEntries(Object.entries(now).filter(([kind, count]) => NONE_AT_REST.includes(kind) ? count > 0 : ['apiJobs', 'links', 'connections'].includes(kind) && count > 1));
    const those = [...descendants(house.pid), ...marked(MARK, mark)].map(({ pid, command }) => `${pid} ${command}`);

    return { left, processes: [...new Set(those)], descriptors: descriptors(house.pid) };
}

/** Waits until nothing is left, and says what is if that takes longer. */
export async function atRest(house: House, mark: string, limitMs: number): Promise<Rest> {
    let rest!: Rest;
    await until('rest', limitMs, async () => {
        rest = look(house, mark, await objects(house));
        return Object.keys(rest.left).length === 0 && rest.processes.length === 0;
    }).catch(() => {});
    return rest;
}

// Processes ---------------------------------------------------------------------------------------------------------

export const parentOf = (pid: number) => Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);

/** A cgroup with at most so many processes; undefined where this machine gives none. */
export function boundedGroup(t: TestContext, most: number): string | undefined {
    for (const top of ['/sys/fs/cgroup/pids', '/sys/fs/cgroup']) {
        const path = join(top, `gatehouse-${process.pid}-${Math.random().toString(36).slice(2)}`);
        try {
            mkdirSync(path);
        } catch {
            continue;
        }
        atEnd(t, async () => {
            for (let i = 0; i < 50; i++) {
                try {
                    return rmdirSync(path);
                } catch {
                    await sleep(100); // its last process is leaving
                }
            }
        });
        try {
            readFileSync(join(path, 'pids.max')); // else this is no cgroup that counts processes
            writeFileSync(join(path, 'pids.max'), String(most));
            return path;
        } catch {}
    }
    return undefined;
}
