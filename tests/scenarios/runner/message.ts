// JSON-RPC messages, and what each revision adds to them.

import { isModern } from './plan.ts';
import type { Json } from './value.ts';

export type Id = string | number;
export type Message = { [key: string]: Json };

export const isRequest = (m: Message) => typeof m.method === 'string' && 'id' in m;
export const isNotification = (m: Message) => typeof m.method === 'string' && !('id' in m);
export const isResponse = (m: Message) => typeof m.method !== 'string';

export function nameOf(m: Message): string {
    return typeof m.method === 'string' ? m.method : 'error' in m ? 'an error' : 'a result';
}

/** What a server says of itself; a script's own answer to `initialize` is laid over it. */
export function serverGreeting(name: string, revision: string): Message {
    return {
        protocolVersion: revision,
        capabilities: {
            tools: { listChanged: true },
            resources: { subscribe: true, listChanged: true },
            prompts: { listChanged: true },
            logging: {},
        },
        serverInfo: { name, version: '1.0.0' },
    };
}

export function discovery(name: string, revision: string): Message {
    const { capabilities, serverInfo } = serverGreeting(name, revision);
    return {
        resultType: 'complete',
        supportedVersions: [revision],
        capabilities,
        ttlMs: 1000,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
    };
}

export function clientGreeting(name: string, revision: string): Message {
    return {
        protocolVersion: revision,
        capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} },
        clientInfo: { name, version: '1.0.0' },
    };
}

/** Params as the revision wants them: the modern ones carry their envelope. */
export function withEnvelope(params: Message | undefined, name: string, revision: string): Message | undefined {
    if (!isModern(revision)) return params;
    const { capabilities, clientInfo } = clientGreeting(name, revision);
    return {
        ...params,
        _meta: {
            'io.modelcontextprotocol/protocolVersion': revision,
            'io.modelcontextprotocol/clientCapabilities': capabilities,
            'io.modelcontextprotocol/clientInfo': clientInfo,
            ...(params?._meta as Message | undefined),
        },
    };
}

/** The headers that the revision wants on a POST of `message`. */
export function mirrorHeaders(message: Message, revision: string): Record<string, string> {
    if (!isModern(revision) || !isRequest(message)) return {};
    const params = (message.params ?? {}) as Message;
    const name = params.name ?? params.uri;
    return {
        'mcp-method': String(message.method),
        ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    };
}
