// Gatehouse's own MCP server, asked by hand in either era: what the wire says, where an official client would hide it.

import type { Answer, House, Json } from './house.ts';

export type Era = '2025-11-25' | '2026-07-28';
export const eras: Era[] = ['2025-11-25', '2026-07-28'];

const MODERN_META = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'hand', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
};

/** The message of an answer: its body, or the last event of its stream. */
function messageOf({ text }: Answer): Json {
    const events = [...text.matchAll(/^data: ?(\{.*)$/gm)].map((match) => match[1]!);
    return JSON.parse(events.at(-1) ?? text);
}

export class Admin {
    #house: House;
    #era: Era;
    #path: string;
    #session: Record<string, string> = {};
    #lastId = 0;

    constructor(house: House, era: Era, path = '/gateway/mcp') {
        this.#house = house;
        this.#era = era;
        this.#path = path;
    }

    post(message: object, headers: Record<string, string> = {}): Promise<Answer> {
        const body = JSON.stringify({ jsonrpc: '2.0', ...message });
        const accept = 'application/json, text/event-stream';
        return this.#house.ask(this.#path, { method: 'POST', body, headers: { 'content-type': 'application/json', accept, ...this.#session, ...headers } });
    }

    /** A legacy client opens a session first; a modern one has none. */
    async open(): Promise<this> {
        if (this.#era === '2026-07-28') return this;
        const params = { protocolVersion: this.#era, capabilities: {}, clientInfo: { name: 'hand', version: '1' } };
        const opened = await this.post({ id: 0, method: 'initialize', params });
        const { result } = messageOf(opened);
        if (result?.protocolVersion !== this.#era) throw new Error(`initialize: ${opened.status} ${opened.text}`);
        this.#session = { 'mcp-session-id': opened.headers.get('mcp-session-id')!, 'mcp-protocol-version': this.#era };
        await this.post({ method: 'notifications/initialized' });
        return this;
    }

    /** The session's own stream; resolves when it has ended. */
    listen(): Promise<Answer> {
        return this.#house.ask(this.#path, { headers: { accept: 'text/event-stream', ...this.#session } });
    }

    async ask(method: string, params: Record<string, unknown> = {}): Promise<Json> {
        const id = ++this.#lastId;
        if (this.#era === '2025-11-25') return messageOf(await this.post({ id, method, params }));
        const headers: Record<string, string> = { 'mcp-protocol-version': this.#era, 'mcp-method': method };
        if (typeof params['name'] === 'string') headers['mcp-name'] = params['name'];
        return messageOf(await this.post({ id, method, params: { ...params, _meta: MODERN_META } }, headers));
    }

    /** What a tool answered: its text, whether it failed, what is structured of it. */
    async call(name: string, given: Record<string, unknown> = {}): Promise<{ text: string; failed: boolean; data: Json }> {
        const { result, error } = await this.ask('tools/call', { name, arguments: given });
        if (result === undefined) throw new Error(`${name}: ${JSON.stringify(error)}`);
        return { text: result.content[0].text, failed: result.isError === true, data: result.structuredContent };
    }
}
