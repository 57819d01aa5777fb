// A scripted server's Streamable HTTP: sessions, the revision's rules for its headers, JSON or SSE answers.

import http from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { flawOf, isNotification, isRequest, isResponse, statusOf } from './message.ts';
import type { Flaw, Id, Message } from './message.ts';
import { isModern, saysVersion } from './plan.ts';
import type { How, Server, Way } from './server.ts';
import { formatEvent } from './sse.ts';
import { Failure } from './stage.ts';
import type { Json } from './value.ts';

/** Undefined: the connection ended within it. */
async function wholeBody(request: http.IncomingMessage): Promise<string | undefined> {
    let body = '';

    request.setEncoding('utf8');
    try {
        for await (const piece of request) body += piece;
    } catch {
        return undefined;
    }
    return body;
}

class HttpWay implements Way {
    request: http.IncomingMessage;
    response: http.ServerResponse;
    newSession?: string;
    isBatch = false;
    isModern = false; // an error has a status of its own
    isGone = false;
    #open = new Set<Id>(); // requests that this answer owes
    #ready: Message[] = []; // answers of a batch

    constructor(request: http.IncomingMessage, response: http.ServerResponse, gone: () => void) {
        this.request = request;
        this.response = response;
        response.on('close', () => {
            this.isGone = !response.writableFinished;
            gone();
        });
    }

    get headers() {
        return this.request.headers;
    }

    get isOpen() {
        return !this.response.writableEnded && !this.response.destroyed;
    }

    owe(id: Id): void {
        this.#open.add(id);
    }

    send(message: Message, how: How): void {
        const answers = isResponse(message) && this.#open.delete(message.id as Id);

        if (answers && !how.sse && !this.response.headersSent) {
            this.#ready.push(message);
            const status = this.isModern ? statusOf(message) : 200;
            if (this.#open.size === 0) this.#answerJson(status, this.isBatch ? this.#ready : message, how);
            return;
        }
        this.#begin(how.headers);
        this.response.write(formatEvent({ id: how.event, data: JSON.stringify(message) }));
        if (answers && this.#open.size === 0) this.response.end();
    }

    sendEvent(id: string): void {
        this.#begin({});
        this.response.write(formatEvent({ id }));
    }

    answer(status: number, headers: Record<string, string | null>, body: string): void {
        this.response.writeHead(status, { 'Content-Type': 'application/json', ...withoutNull(headers) });
        this.response.end(body);
    }

    /** Headers go out at once: a stream is open before it has anything to say. */
    stream(): void {
        this.#begin({});
        this.response.flushHeaders();
    }

    end(): void {
        this.#begin({});
        this.response.end();
    }

    cut(): void {
        this.response.socket?.destroy();
    }

    #answerJson(status: number, body: Json, how: How): void {
        this.answer(status, { ...this.#session(), ...how.headers }, JSON.stringify(body));
    }

    #begin(headers: Record<string, string | null>): void {
        if (this.response.headersSent) return;
        this.response.writeHead(200, {
            'Content-Type': 'text/event-stream',
            'Cache-Control': 'no-cache',
            ...this.#session(),
            ...withoutNull(headers),
        });
    }

    #session(): Record<string, string> {
        return this.newSession === undefined ? {} : { 'Mcp-Session-Id': this.newSession };
    }
}

function withoutNull(headers: Record<string, string | null>): Record<string, string> {
    return Object.fromEntries(Object.entries(headers).filter((each): each is [string, string] => each[1] !== null));
}

export class HttpWire {
    server: Server;
    #http: http.Server;
    #sessions = new Set<string>();

    constructor(server: Server) {
        this.server = server;
        this.#http = http.createServer((request, response) => void this.#take(request, response));
    }

    async open(): Promise<void> {
        await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    }

    close(): void {
        this.#http.close();
        this.#http.closeAllConnections();
    }

    get port(): number {
        return (this.#http.address() as AddressInfo).port;
    }

    get #isModern(): boolean {
        return isModern(this.server.speaker.revision);
    }

    async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const way = new HttpWay(request, response, () => this.server.stage.changed());
        const body = await wholeBody(request);

        if (body === undefined) return; // it was cut off on its way here
        if (request.method === 'POST') this.#post(way, body);
        else if (request.method === 'GET') this.#get(way);
        else if (request.method === 'DELETE') this.#delete(way);
        else way.answer(405, { Allow: 'GET, POST, DELETE' }, '');
    }

    #post(way: HttpWay, body: string): void {
        const parsed = parse(body);
        if (parsed === undefined) return refuse(way, 400, { code: -32700, message: 'not JSON' });

        const messages = (Array.isArray(parsed) ? parsed : [parsed]) as Message[];
        way.isBatch = Array.isArray(parsed);
        way.isModern = this.#isModern;
        if (way.isBatch && this.server.speaker.revision !== '2025-03-26')
            return refuse(way, 400, { code: -32600, message: 'no batches' });
        if (!this.#isModern && messages.some((message) => message.method === 'initialize')) this.#begin(way);
        else if (!this.#admit(way, messages[0])) return;

        for (const message of messages) if (isRequest(message)) way.owe(message.id as Id);
        if (messages.every((message) => isNotification(message) || isResponse(message))) way.answer(202, {}, '');
        for (const message of messages) this.server.arrive('message', way, message);
    }

    #begin(way: HttpWay): void {
        way.newSession = `session-${randomUUID()}`;
        this.#sessions.add(way.newSession);
    }

    /** Session, envelope and headers, as the revision wants them. */
    #admit(way: HttpWay, message: Message | undefined): boolean {
        const session = way.headers['mcp-session-id'];
        const { speaker, stage } = this.server;
        const version = way.headers['mcp-protocol-version'];

        if (this.#isModern && message !== undefined && isRequest(message)) {
            const flaw = flawOf(message, way.headers, speaker.revision);
            return flaw === undefined || (refuse(way, 400, flaw, message), false);
        }
        if (!this.#isModern) {
            if (session === undefined)
                return (refuse(way, 400, { code: -32000, message: 'no session' }, message), false);
            if (!this.#sessions.has(String(session)))
                return (refuse(way, 404, { code: -32001, message: 'session not found' }, message), false);
        }
        if (version !== speaker.revision && !(version === undefined && !saysVersion(speaker.revision)))
            stage.fail(
                new Failure(speaker.line, `MCP-Protocol-Version: ${speaker.revision} at ${speaker.name}`, `${version}`),
            );
        return true;
    }

    #get(way: HttpWay): void {
        if (this.#isModern) return way.answer(405, { Allow: 'POST' }, '');
        if (!this.server.mentions('GET')) return way.answer(405, { Allow: 'POST, DELETE' }, '');
        if (!this.#admit(way, undefined)) return;
        way.stream();
        this.server.arrive('GET', way);
    }

    #delete(way: HttpWay): void {
        if (this.#isModern) return way.answer(405, { Allow: 'POST' }, '');
        if (!this.#admit(way, undefined)) return;
        this.#sessions.delete(String(way.headers['mcp-session-id']));
        way.answer(200, {}, '');
        this.server.arrive('DELETE', way);
    }
}

function refuse(way: HttpWay, status: number, error: Flaw, to?: Message): void {
    const id = to !== undefined && isRequest(to) ? { id: to.id } : {};
    way.answer(status, {}, JSON.stringify({ jsonrpc: '2.0', ...id, error }));
}

function parse(body: string): Json | undefined {
    try {
        return JSON.parse(body);
    } catch {
        return undefined;
    }
}
