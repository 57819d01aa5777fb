// A client made by hand, on HTTP or on stdio, of any revision: it says what a case tells it to, answers what it is asked,
// and looks at every message that it gets with the official definitions of its revision.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { atEnd } from '../e2e/harness.ts';
import { faults } from './schemas.ts';
import type { Message } from './schemas.ts';

/** Over HTTP with fields of its own on each request. */
export type Place = { url: string; headers?: Record<string, string> } | { command: string; args: string[] };
export type Answers = Record<string, (params: Message) => Message>;

const WAIT_MS = 20000;
const META = 'io.modelcontextprotocol/';

/** What came back of a request: the response, its HTTP status (0 on stdio), and what was asked on the way. */
export type Outcome = { status: number; result?: Message; error?: Message; id?: unknown };

type Waiting = { fits: (message: Message) => boolean; resolve: (message: Message) => void };

export class Wire {
    revision: string;
    capabilities: Message;
    /** Each message that came, but responses to requests of ours; in order. */
    got: Message[] = [];
    /** Methods that the server asked, in order. */
    asked: string[] = [];
    wrong: string[] = [];
    session: string | undefined;
    lastEventId: string | undefined;

    #answers: Answers;
    #place: Place;
    #child: ChildProcess | undefined;
    #lastId = 0;
    #pending = new Map<unknown, { method: string; resolve: (outcome: Outcome) => void }>();
    #waiting: Waiting[] = [];
    #open = new AbortController();
    #kept: Message[] | undefined;

    constructor(t: TestContext, place: Place, revision: string, capabilities: Message = {}, answers: Answers = {}) {
        this.revision = revision;
        this.capabilities = capabilities;
        this.#answers = answers;
        this.#place = place;
        if ('command' in place) {
            this.#child = spawn(place.command, place.args, { stdio: ['pipe', 'pipe', 'inherit'] });
            createInterface(this.#child.stdout!).on('line', (line) => this.#take(JSON.parse(line), 0));
        }
        atEnd(t, async () => {
            if ('url' in place && this.session !== undefined) await fetch(place.url, { method: 'DELETE', headers: this.#fixedHeaders() });
            this.#open.abort();
            this.#child?.kill();
        });
    }

    get isModern(): boolean {
        return this.revision >= '2026';
    }

    /** The handshake of a legacy revision; nothing for a modern one. Resolves to what `initialize` was answered. */
    async open(): Promise<Message> {
        if (this.isModern) return {};
        const params = { protocolVersion: this.revision, capabilities: this.capabilities, clientInfo: { name: 'wire', version: '1' } };
        const { result, error } = await this.request('initialize', params);

        if (result === undefined) throw new Error(`initialize: ${JSON.stringify(error)}`);
        await this.notify('notifications/initialized');
        return result;
    }

    /** One request, and for a modern client all the rounds that it takes. */
    async request(method: string, params: Message = {}, headers: Record<string, string> = {}): Promise<Outcome> {
        const outcome = await this.once(method, params, headers);
        const { resultType, inputRequests, requestState } = outcome.result ?? {};

        if (resultType !== 'input_required') return outcome;
        const inputResponses: Message = {};
        for (const [key, { method, params }] of Object.entries<Message>(inputRequests ?? {})) inputResponses[key] = this.#answer(method, params);
        const { inputResponses: _, requestState: __, ...same } = params;
        return await this.request(method, { ...same, inputResponses, ...(requestState !== undefined && { requestState }) }, headers);
    }

    /** One request and its response, whatever that is. */
    async once(method: string, params: Message = {}, headers: Record<string, string> = {}, id: unknown = ++this.#lastId): Promise<Outcome> {
        const message = { jsonrpc: '2.0', id, method, params: this.#isOpening(method) ? params : this.#enveloped(params) };
        const answered = new Promise<Outcome>((resolve, reject) => {
            this.#pending.set(id, { method, resolve });
            setTimeout(() => reject(new Error(`no answer to ${method} within ${WAIT_MS} ms`)), WAIT_MS).unref();
        });
        answered.catch(() => {}); // said by whoever awaits it

        const name = params['name'] ?? params['uri'] ?? params['taskId'];
        const mirrored = this.isModern ? { 'mcp-method': method, ...(typeof name === 'string' && { 'mcp-name': name }) } : {};
        const refused = await this.send(message, { ...mirrored, ...headers });
        return refused ?? (await answered);
    }

    /** Several messages in one array; resolves to the responses, in the order of the requests. */
    async batch(messages: { method: string; params?: Message; id?: string }[]): Promise<Outcome[]> {
        const answered = messages.filter(({ id }) => id !== undefined).map(({ id, method }) => new Promise<Outcome>((resolve) => this.#pending.set(id, { method, resolve })));
        const refused = await this.send(messages.map((each) => ({ jsonrpc: '2.0', ...each })), {}); // prettier-ignore
        return refused === undefined ? await Promise.all(answered) : [refused];
    }

    /** From here on what the server asks is kept, with `of` this client, and answered by whoever likes to. */
    answerLater(questions: Message[]): void {
        this.#kept = questions;
    }

    isUnanswered(id: unknown): boolean {
        return this.#pending.has(id);
    }

    async notify(method: string, params: Message = {}): Promise<void> {
        await this.send({ jsonrpc: '2.0', method, params }, {});
    }

    /** A tool's first text, or why there is none. */
    async call(name: string, given: Message = {}): Promise<string> {
        const { result, error } = await this.request('tools/call', { name, arguments: given });
        return result?.['content']?.[0]?.text ?? JSON.stringify(result ?? error);
    }

    /** The first message, of those that came and those to come, that is no response and fits. */
    async next(method: string, fits: (params: Message) => boolean = () => true): Promise<Message> {
        const isIt = (message: Message) => message['method'] === method && fits(message['params'] ?? {});
        const there = this.got.find(isIt);

        if (there !== undefined) return there;
        return await new Promise((resolve, reject) => {
            this.#waiting.push({ fits: isIt, resolve });
            setTimeout(() => reject(new Error(`no ${method} within ${WAIT_MS} ms`)), WAIT_MS).unref();
        });
    }

    /** The stream of a legacy session (GET); on stdio all comes anyway. Call what it resolves to, to let go of it. */
    async stream(headers: Record<string, string> = {}): Promise<() => void> {
        if (!('url' in this.#place)) return () => {};
        const cut = new AbortController();
        const response = await fetch(this.#place.url, {
            headers: { accept: 'text/event-stream', ...this.#fixedHeaders(), ...headers },
            signal: AbortSignal.any([cut.signal, this.#open.signal]),
        });
        if (response.status !== 200) throw new Error(`GET: ${response.status} ${await response.text()}`);
        this.#read(response).catch(() => {}); // cut, by us
        return () => cut.abort();
    }

    /** A message as it is. Resolves when the server took it: to what it refused it with, or nothing. */
    async send(message: unknown, headers: Record<string, string>, signal?: AbortSignal): Promise<Outcome | undefined> {
        if (!('url' in this.#place)) {
            this.#child!.stdin!.write(JSON.stringify(message) + '\n');
            return undefined;
        }
        const response = await fetch(this.#place.url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...this.#fixedHeaders(), ...headers },
            body: JSON.stringify(message),
            signal: signal === undefined ? this.#open.signal : AbortSignal.any([signal, this.#open.signal]),
        });
        this.session ??= response.headers.get('mcp-session-id') ?? undefined;
        if (response.ok) {
            this.#read(response).catch(() => {}); // cut, by us
            return undefined;
        }
        const text = await response.text();
        const said: Message = text.startsWith('{') ? JSON.parse(text) : { error: { message: text } };
        if (said['jsonrpc'] === '2.0') this.#look(said);
        return { status: response.status, ...said };
    }

    #isOpening = (method: string) => method === 'initialize' && !this.isModern;

    #fixedHeaders(): Record<string, string> {
        const own = ('url' in this.#place && this.#place.headers) || {};
        if (this.isModern) return { ...own, 'mcp-protocol-version': this.revision };
        if (this.session === undefined) return own;
        return { ...own, 'mcp-session-id': this.session, ...(this.revision >= '2025-06' && { 'mcp-protocol-version': this.revision }) };
    }

    #enveloped(params: Message): Message {
        if (!this.isModern) return params;
        const envelope = { [`${META}protocolVersion`]: this.revision, [`${META}clientCapabilities`]: this.capabilities, [`${META}clientInfo`]: { name: 'wire', version: '1' } };
        return { ...params, _meta: { ...envelope, ...params['_meta'] } };
    }

    #answer(method: string, params: Message): Message {
        this.asked.push(method);
        const how = this.#answers[method];
        if (how === undefined) throw new Error(`the server asks ${method}, and nobody said how to answer`);
        return how(params);
    }

    async #read(response: Response): Promise<void> {
        if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
            const text = await response.text();
            if (text !== '') this.#take(JSON.parse(text), response.status);
            return;
        }
        let rest = '';
        for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
            rest += piece;
            for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) this.#event(rest.slice(0, end), response.status);
        }
    }

    #event(text: string, status: number): void {
        const lines = text.split('\n');
        const id = lines.find((line) => line.startsWith('id:'));
        const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());

        if (id !== undefined) this.lastEventId = id.slice(3).trim();
        if (data.join('') !== '') this.#take(JSON.parse(data.join('\n')), status);
    }

    #look(message: Message): void {
        const method = this.#pending.get(message['id'])?.method;
        for (const fault of faults(this.revision, message, method)) this.wrong.push(`${fault} in ${JSON.stringify(message)}`);
    }

    #take(message: Message | Message[], status: number): void {
        if (Array.isArray(message)) return message.forEach((each) => this.#take(each, status));
        this.#look(message);
        if (message['method'] === undefined) {
            const waiting = this.#pending.get(message['id']);
            this.#pending.delete(message['id']);
            if (waiting !== undefined) return waiting.resolve({ status, ...message });
        }
        this.got.push(message);
        for (const each of this.#waiting.filter(({ fits }) => fits(message))) each.resolve(message);
        if (message['id'] !== undefined && message['method'] !== undefined && this.#kept !== undefined) {
            this.#kept.push({ ...message, of: this });
        } else if (message['id'] !== undefined) {
            const result = message['method'] === 'ping' ? {} : this.#answer(message['method'], message['params'] ?? {});
            void this.send({ jsonrpc: '2.0', id: message['id'], result }, {});
        }
    }
}
