// JSON-RPC messages, and what each revision adds to them.

import { isModern } from './plan.ts';
import type { Json } from './value.ts';

export type Id = string | number;
export type Message = { [key: string]: Json };

export const VERSION = 'io.modelcontextprotocol/protocolVersion';
export const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const CLIENT = 'io.modelcontextprotocol/clientInfo';
const SERVER = 'io.modelcontextprotocol/serverInfo';

/** Results of these say how long they are fresh, and for whom: 2026-07-28 server/utilities/caching. */
const CACHED = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'];

/** The parameter that Mcp-Name repeats. */
const NAMED: Record<string, string> = {
    'tools/call': 'name',
    'prompts/get': 'name',
    'resources/read': 'uri',
    'tasks/get': 'taskId',
    'tasks/update': 'taskId',
    'tasks/cancel': 'taskId',
};

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
        _meta: { [SERVER]: serverInfo },
    };
}

export function clientGreeting(name: string, revision: string): Message {
    return {
        protocolVersion: revision,
        capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} },
        clientInfo: { name, version: '1.0.0' },
    };
}

export function metaOf(message: Message | undefined): Message {
    return ((message?.params as Message | undefined)?._meta ?? {}) as Message;
}

/** Params as a modern revision wants them: with what a legacy client says once, in `initialize`. */
export function withEnvelope(params: Message | undefined, greeting: Message): Message {
    return {
        ...params,
        _meta: {
            [VERSION]: greeting.protocolVersion!,
            [CAPABILITIES]: greeting.capabilities!,
            [CLIENT]: greeting.clientInfo!,
            ...(params?._meta as Message | undefined),
        },
    };
}

/** A result of a modern revision: it says of what kind it is, and if it may be kept how long. */
export function modernResult(method: string, result: Message): Message {
    const isComplete = result.resultType === undefined || result.resultType === 'complete';
    const freshness: Message = isComplete && CACHED.includes(method) ? { ttlMs: 0, cacheScope: 'private' } : {};
    return { resultType: 'complete', ...freshness, ...result };
}

/** The name that a request goes to; undefined when it has none. */
function nameIn(message: Message): string | undefined {
    const name = (message.params as Message | undefined)?.[NAMED[String(message.method)] ?? ''];
    return typeof name === 'string' ? name : undefined;
}

/** Text as the value of a header field, 2026-07-28 basic/transports "Value Encoding". */
export function encodeField(text: string): string {
    const isPlain = /^[\x20-\x7e\t]*$/.test(text) && text.trim() === text && !/^=\?base64\?.*\?=$/.test(text);
    return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

function decodeField(value: string): string {
    const coded = /^=\?base64\?(.*)\?=$/.exec(value);
    return coded ? Buffer.from(coded[1]!, 'base64').toString() : value;
}

/** The headers that the revision wants on a POST of `message`: what is in it, once more. */
export function mirrorHeaders(message: Message, revision: string): Record<string, string> {
    if (!isModern(revision) || !isRequest(message)) return {};
    const name = nameIn(message);
    return {
        'mcp-protocol-version': String(metaOf(message)[VERSION]),
        'mcp-method': String(message.method),
        ...(name !== undefined && { 'mcp-name': encodeField(name) }),
    };
}

export type Flaw = { code: number; message: string; data?: Json };

/** What a modern server refuses with status 400 before it looks for the method; undefined: nothing. */
export function flawOf(message: Message, headers: Record<string, unknown>, revision: string): Flaw | undefined {
    const { [VERSION]: version, [CAPABILITIES]: capabilities } = metaOf(message);
    const name = nameIn(message);
    const differs = (field: string) => ({ code: -32020, message: `${field} is not what the body says` });

    if (typeof version !== 'string' || typeof capabilities !== 'object')
        return { code: -32602, message: 'no version, or no capabilities, in params._meta' };
    if (headers['mcp-protocol-version'] !== version) return differs('MCP-Protocol-Version');
    if (version !== revision)
        return { code: -32022, message: 'Unsupported version', data: { supported: [revision], requested: version } };
    if (headers['mcp-method'] !== message.method) return differs('Mcp-Method');
    if (name !== undefined && decodeField(String(headers['mcp-name'])) !== name) return differs('Mcp-Name');
    return undefined;
}

const STATUS_OF: Record<number, number> = { [-32601]: 404, [-32020]: 400, [-32021]: 400, [-32022]: 400 };

/** The HTTP status of an answer in JSON, as a modern revision has it. */
export function statusOf(answer: Message): number {
    const code = (answer.error as Message | undefined)?.code;
    return STATUS_OF[Number(code)] ?? 200;
}
