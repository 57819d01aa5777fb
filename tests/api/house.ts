// A Gatehouse with two servers behind it, some calls that passed, and a way to ask its API.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gatehouse } from '../scenarios/runner/gatehouse.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TOKEN = 'a-token-of-the-tests';
const RECORDED_WITHIN_MS = 5000;

/** Characters of the answer to the tool `large`: more than the list of the log shows. */
export const LARGE = 9 << 20;

export type Json = any;
export type Answer = { status: number; headers: Headers; json: Json; text: string };

/** A stdio server that greets on stderr and answers everything with an empty result. */
const KID = `
process.stderr.write('kid is awake\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const result = method === 'initialize'
        ? { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'kid', version: '2' } } : {};
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});`;

function answerWeather(request: IncomingMessage, response: ServerResponse, body: string) {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method, params } = JSON.parse(body);
    const say = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
    const json = (message: object, headers = {}) =>
        response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(say({ id, ...message }));

    if (id === undefined) return response.writeHead(202).end();
    if (method === 'initialize') {
        const serverInfo = { name: 'weather-server', version: '1.2' };
        return json({ result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo } }, { 'mcp-session-id': 's-1' });
    }
    if (method !== 'tools/call') return json({ error: { code: -32601, message: 'no such method' } });
    if (params.name === 'large') return json({ result: { content: [{ type: 'text', text: 'x'.repeat(LARGE) }] } });
    const result = { content: [{ type: 'text', text: `rain in ${params.arguments.city}` }] };
    if (params.name !== 'slow') return json({ result });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${say({ method: 'notifications/progress', params: { progress: 1 } })}\n\n`);
    return setTimeout(() => response.end(`data: ${say({ id, result })}\n\n`), 60);
}

export class House {
    #home = '';
    #gatehouse?: Gatehouse;
    #upstream = createServer((request, response) => {
        let body = '';
        request.on('data', (piece) => (body += piece)).on('end', () => answerWeather(request, response, body));
    });

    async start(settings: Record<string, string> = {}) {
        await new Promise<void>((resolve) => this.#upstream.listen(0, '127.0.0.1', resolve));
        this.#home = await mkdtemp(join(tmpdir(), 'gatehouse-api-'));
        this.#gatehouse = new Gatehouse(join(root, 'build/gatehouse'), this.#home);
        await this.#gatehouse.start(
            {
                weather: { url: this.weatherUrl, headers: { Authorization: 'Bearer hidden', 'X-Plain': 'shown' } },
                kid: { command: process.execPath, args: ['-e', KID], env: { KID_TOKEN: 'hidden' } },
                'not a name': { url: 'http://localhost:1/mcp' },
            },
            { token: TOKEN, settings },
        );
    }

    get port(): number {
        return this.#gatehouse!.port;
    }

    /** What it wrote to stderr. */
    get said(): string {
        return this.#gatehouse!.said;
    }

    get weatherUrl(): string {
        return `http://127.0.0.1:${(this.#upstream.address() as AddressInfo).port}/mcp`;
    }

    /** Resolves to what was wrong with the ending. */
    async stop(): Promise<string | undefined> {
        const wrong = await this.#gatehouse?.stop();
        this.#upstream.close();
        this.#upstream.closeAllConnections();
        await rm(this.#home, { recursive: true, force: true });
        return wrong;
    }

    async ask(path: string, init: RequestInit = {}): Promise<Answer> {
        const headers = { authorization: `Bearer ${TOKEN}`, ...init.headers } as Record<string, string>;
        const response = await fetch(`http://localhost:${this.#gatehouse!.port}${path}`, { ...init, headers });
        const text = await response.text();
        const json = response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : undefined;
        return { status: response.status, headers: response.headers, json, text };
    }

    send(method: string, path: string, body?: object): Promise<Answer> {
        const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
        return this.ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    }

    async call(server: string, message: object, session?: string): Promise<Headers> {
        const headers: Record<string, string> = {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
        };
        if (session !== undefined) headers['mcp-session-id'] = session;
        const body = JSON.stringify({ jsonrpc: '2.0', ...message });
        const url = `http://localhost:${this.#gatehouse!.port}/s/${server}/mcp`;
        const response = await fetch(url, { method: 'POST', headers, body });
        await response.text();
        return response.headers;
    }

    async initialize(server: string, client: string): Promise<string> {
        const clientInfo = { name: client, version: '3' };
        const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
        return (await this.call(server, { id: 0, method: 'initialize', params })).get('mcp-session-id') ?? '';
    }

    /** A page of the log. */
    async log(query: string): Promise<Json> {
        const { status, json, text } = await this.ask(`/api/logs?${query}`);
        if (status !== 200) throw new Error(`${query}: ${status} ${text}`);
        return json;
    }

    /** Waits until the log has so many entries, all of exchanges that are over: a long one is seen while it runs. */
    async recorded(entries: number) {
        const until = Date.now() + RECORDED_WITHIN_MS;
        for (;;) {
            const { data } = await this.log('limit=1000');
            if (data.length >= entries && data.every(({ outcome }: Json) => outcome !== null)) return;
            if (Date.now() > until) throw new Error(`${entries} entries did not come`);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }
}
