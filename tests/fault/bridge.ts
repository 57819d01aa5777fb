// Clients of both eras that are asked in the middle of a call, and can answer in every way, or not at all.

import { Agent, request } from 'node:http';
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import type { Message } from '../conformance/schemas.ts';

export const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
export const capabilities = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } };
const following = { ...capabilities, extensions: { [`${META}tasks`]: {} } };

/** A tool of the test server that asks one question, how that is answered, and what comes of it. */
export type Kind = { tool: string; given: (mark: string) => Message; answer: (mark: string) => Message; says: (mark: string) => string };

export const kinds: Record<string, Kind> = {
    elicitation: {
        tool: 'test_elicitation',
        given: (mark) => ({ message: mark }),
        answer: (mark) => ({ action: 'accept', content: { username: mark } }),
        says: (mark) => `User response: action=accept, content={"username":"${mark}"}`,
    },
    sampling: {
        tool: 'test_sampling',
        given: (mark) => ({ prompt: mark }),
        answer: (mark) => ({ role: 'assistant', model: 'mock', content: { type: 'text', text: mark } }),
        says: (mark) => `LLM response: ${mark}`,
    },
    roots: {
        tool: 'test_roots',
        given: () => ({}),
        answer: (mark) => ({ roots: [{ uri: `file:///${mark}` }] }),
        says: (mark) => `file:///${mark}`,
    },
};

export type Answer = { status: number; message: Message };

const lastOf = (text: string): Message => {
    const events = [...text.matchAll(/^data: ?(\{.*)$/gm)].map(([, data]) => data!);
    const said = events.at(-1) ?? text;
    return said.startsWith('{') ? JSON.parse(said) : { error: { code: 0, message: said } };
};

class Sender {
    protected agent = new Agent({ keepAlive: true, maxSockets: Infinity });
    protected url: string;
    #going = new Set<ClientRequest>();

    constructor(url: string) {
        this.url = url;
    }

    protected send(method: string, body: string, headers: OutgoingHttpHeaders, onEvent?: (message: Message) => void): Promise<{ status: number; text: string; session?: string }> {
        return new Promise((resolve, reject) => {
            const going = request(this.url, { method, agent: this.agent, headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers } }, (response) => {
                let text = '';
                let seen = 0;
                response.setEncoding('utf8');
                response.on('data', (more) => {
                    text += more;
                    for (let end; onEvent !== undefined && (end = text.indexOf('\n\n', seen)) >= 0; seen = end + 2) {
                        const data = /^data: ?(\{.*)$/m.exec(text.slice(seen, end))?.[1];
                        if (data !== undefined) onEvent(JSON.parse(data));
                    }
                });
                response.on('end', () => {
                    this.#going.delete(going);
                    resolve({ status: response.statusCode!, text, session: response.headers['mcp-session-id'] as string | undefined });
                });
                response.on('error', reject);
            });
            this.#going.add(going);
            going.on('error', reject);
            going.end(body);
        });
    }

    /** All its connections close, whatever runs on them. */
    cut(): void {
        for (const going of this.#going) going.destroy();
        this.agent.destroy();
    }
}

/** A client of 2026-07-28: it is asked by an answer, and comes back. */
export class Modern extends Sender {
    #number = 0;

    async call(tool: string, given: Message, more: Message = {}): Promise<Answer> {
        return await this.#ask('tools/call', tool, { name: tool, arguments: given, ...more }, capabilities);
    }

    /** As one that follows tasks: calls a tool, */
    async begin(tool: string, given: Message): Promise<Message> {
        return (await this.#ask('tools/call', tool, { name: tool, arguments: given }, following)).message;
    }

    /** or asks something of a task. */
    async task(what: 'get' | 'update' | 'cancel', taskId: string, more: Message = {}): Promise<Message> {
        return (await this.#ask(`tasks/${what}`, taskId, { taskId, ...more }, following)).message;
    }

    /** Hears news of these, until it is cut or the server ends it. */
    async listen(taskIds: string[], onNews: (params: Message) => void): Promise<Answer> {
        return await this.#ask('subscriptions/listen', undefined, { notifications: { taskIds } }, following, ({ method, params }) => {
            if (method === 'notifications/tasks') onNews(params);
        });
    }

    async #ask(method: string, name: string | undefined, more: Message, capabilities: Message, onEvent?: (message: Message) => void): Promise<Answer> {
        const _meta = { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: capabilities };
        const body = JSON.stringify({ jsonrpc: '2.0', id: ++this.#number, method, params: { ...more, _meta } });
        const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...(name !== undefined && { 'mcp-name': name }) };
        const { status, text } = await this.send('POST', body, headers, onEvent);
        return { status, message: lastOf(text) };
    }

    /** Calls, and must be asked; resolves to what goes back with the answer. */
    async ask(kind: Kind, mark: string): Promise<{ mark: string; kind: Kind; back: Message }> {
        const { message } = await this.call(kind.tool, kind.given(mark));
        const { inputRequests, requestState } = message['result'] ?? {};
        if (requestState === undefined) throw new Error(`not asked: ${JSON.stringify(message)}`);
        const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, kind.answer(mark)]));
        return { mark, kind, back: { inputResponses, requestState } };
    }

    /** Comes back with the answer: the text that the tool then says, or the error. */
    async back({ kind, mark, back }: { kind: Kind; mark: string; back: Message }): Promise<string> {
        return textOf((await this.call(kind.tool, kind.given(mark), back)).message);
    }
}

export const textOf = (message: Message): string => message['result']?.content?.[0]?.text ?? JSON.stringify(message['error'] ?? message['result']);

/** A client of 2025-11-25 with a session: it is asked on the stream of its call. */
export class Legacy extends Sender {
    #number = 0;
    #session: string | undefined;
    /** Asked, and not answered by itself. */
    questions: { id: unknown; method: string; params: Message }[] = [];

    #own(): OutgoingHttpHeaders {
        return this.#session === undefined ? {} : { 'mcp-session-id': this.#session, 'mcp-protocol-version': '2025-11-25' };
    }

    async open(): Promise<this> {
        const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'crowd', version: '1' } };
        const { status, text, session } = await this.send('POST', JSON.stringify({ jsonrpc: '2.0', id: 'open', method: 'initialize', params }), {});
        if (status !== 200 || session === undefined) throw new Error(`initialize: ${status} ${text}`);
        this.#session = session;
        await this.send('POST', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }), this.#own());
        return this;
    }

    async call(tool: string, given: Message, more: Message = {}): Promise<Answer> {
        return await this.request('tools/call', { name: tool, arguments: given, ...more });
    }

    async request(method: string, params: Message): Promise<Answer> {
        const body = JSON.stringify({ jsonrpc: '2.0', id: `call-${++this.#number}`, method, params });
        const { status, text } = await this.send('POST', body, this.#own(), (message) => {
            if (message['method'] !== undefined && message['id'] !== undefined) this.questions.push(message as never);
        });
        return { status, message: lastOf(text) };
    }

    async reply(id: unknown, said: Message): Promise<number> {
        return (await this.send('POST', JSON.stringify({ jsonrpc: '2.0', id, ...said }), this.#own())).status;
    }

    async delete(): Promise<number> {
        return (await this.send('DELETE', '', this.#own())).status;
    }
}
