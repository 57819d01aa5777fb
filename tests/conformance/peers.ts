// The official TypeScript clients as one thing to write cases for: each connected by each way to the test server, with a
// person and a model behind it that answer what they are asked, and with ears for what it is told.

import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { atEnd, built, packages, run, until } from '../e2e/harness.ts';
import type { Message } from './schemas.ts';
import type { Place } from './wire.ts';

export const officials = ['sdk 1.32.2', 'client 2.4.0', 'client 2.4.0 at 2026-07-28'] as const;
export type Official = (typeof officials)[number];

const program = built('conformance-server');
const mcpRemote = join(packages, 'mcp-remote/dist');

export async function serverOverHttp(t: TestContext, ...args: string[]): Promise<string> {
    const server = run(t, program, args);
    return await until('the URL of conformance-server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
}

export const serverOnStdio = (...args: string[]): Place => ({ command: program, args: ['--stdio', ...args] });

/** mcp-remote, a server on stdio for clients without HTTP; its other program is a client that only looks. */
export function remote(t: TestContext, url: string, which: 'proxy' | 'client', ...args: string[]) {
    const home = mkdtempSync(join(tmpdir(), 'gatehouse-mcp-remote-'));

    atEnd(t, () => rmSync(home, { recursive: true, force: true }));
    return {
        command: process.execPath,
        args: [join(mcpRemote, `${which}.js`), url, '--transport', 'http-only', ...args],
        env: { PATH: process.env['PATH'] ?? '', HOME: home, MCP_REMOTE_CONFIG_DIR: home },
    };
}

// Who answers -------------------------------------------------------------------------------------------------------

const facts: Message = { username: 'ada', name: 'Ada', color: 'blue', ok: true, confirm: true, context: 'in Oslo' };

/** A person fills in what a form requires. What has a default is left to the client. */
function person({ mode, requestedSchema }: Message): Message {
    if (mode === 'url') return { action: 'accept' };
    const required: string[] = requestedSchema.required ?? Object.keys(requestedSchema.properties).filter((each) => each in facts);
    return { action: 'accept', content: Object.fromEntries(required.filter((each) => each in facts).map((each) => [each, facts[each]])) };
}

function model({ messages, tools }: Message): Message {
    const about = { model: 'mock', role: 'assistant' };
    const [asked] = [messages[0].content].flat();

    if (tools === undefined) return { ...about, content: { type: 'text', text: `You said: ${asked.text}` }, stopReason: 'endTurn' };
    return { ...about, content: [{ type: 'tool_use', id: 'call-1', name: tools[0].name, input: { city: 'Oslo' } }], stopReason: 'toolUse' };
}

const answers: Record<string, (params: Message) => Message> = {
    'elicitation/create': person,
    'sampling/createMessage': model,
    'roots/list': () => ({ roots: [{ uri: 'file:///somewhere', name: 'Somewhere' }] }),
};

// Who asks ----------------------------------------------------------------------------------------------------------

/** What the clients have in common, as far as the cases go. */
export type Client = Omit<ClientV1, 'callTool'> & {
    callTool: (call: Message, ...rest: unknown[]) => Promise<Message>;
};

export class Peer {
    isV1: boolean;
    isModern: boolean;
    client!: Client;
    transport!: Message;
    /** What the server said without being asked, in order. */
    told: { method: string; params?: Message }[] = [];
    /** What it asked, in order. */
    asked: string[] = [];
    /** What the client itself found wrong. */
    wrong: string[] = [];
    /** The lists that the client fetched again, since it was told that they changed. */
    refreshed: string[] = [];

    #mode: unknown;

    constructor(official: Official, mode?: 'auto') {
        this.isV1 = official === 'sdk 1.32.2';
        this.isModern = official.endsWith('2026-07-28');
        this.#mode = mode ?? (this.isModern ? { pin: '2026-07-28' } : undefined);
    }

    async connect(t: TestContext, place: Place): Promise<this> {
        const Class = (this.isV1 ? ClientV1 : ClientV2) as typeof ClientV1;
        const made = new Class({ name: 'peer', version: '1' }, this.#options() as object);

        this.client = made as unknown as Client;
        this.client.onerror = (error) => this.wrong.push(String(error));
        this.client.fallbackNotificationHandler = async (message) => void this.told.push(message as Message as { method: string });
        if (this.isV1) {
            const schemas = [CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema];
            for (const schema of schemas) made.setRequestHandler(schema as never, (request: Message) => this.#answer(request) as never);
        } else {
            const two = made as unknown as { setRequestHandler: (method: string, handler: (request: Message) => Message) => void };
            for (const method of Object.keys(answers)) two.setRequestHandler(method, (request) => this.#answer(request));
        }

        const Http = this.isV1 ? HttpV1 : HttpV2;
        const Stdio = this.isV1 ? StdioV1 : StdioV2;
        const transport = 'url' in place ? new Http(new URL(place.url), { requestInit: { headers: place.headers ?? {} } }) : new Stdio({ ...place, stderr: 'ignore' });
        this.transport = transport as unknown as Message;
        atEnd(t, () => this.client.close());
        await made.connect(transport as HttpV1);
        return this;
    }

    /** A tool's first text, or all of a result that has none. */
    async call(name: string, given: Message = {}, more: Message = {}, options: Message = {}): Promise<string> {
        const params = { name, arguments: given, ...more };
        const result = await (this.isV1 ? this.client.callTool(params, undefined, options) : this.client.callTool(params, options));
        return result['content']?.[0]?.text ?? JSON.stringify(result);
    }

    hears(method: string, fits: (params: Message) => boolean = () => true): boolean {
        return this.told.some((each) => each.method === method && fits(each.params ?? {}));
    }

    /** Has something happen until the client heard of it: the stream that tells it opens when the client comes to it. */
    async hearsOf(what: string, cause: () => Promise<unknown>, heard: () => boolean): Promise<void> {
        await until(what, 20000, async () => {
            await cause();
            return heard();
        });
    }

    #answer({ method, params }: Message): Message {
        this.asked.push(method);
        return answers[method]!(params ?? {});
    }

    #options(): Message {
        const refreshed = (what: string) => ({
            debounceMs: 0,
            onChanged: (error: Error | null) => void (error === null ? this.refreshed : this.wrong).push(error === null ? what : String(error)),
        });
        return {
            capabilities: {
                roots: { listChanged: true },
                sampling: { tools: {} },
                elicitation: { form: { applyDefaults: true }, url: {} },
            },
            listChanged: { tools: refreshed('tools'), prompts: refreshed('prompts'), resources: refreshed('resources') },
            ...(this.#mode !== undefined && { versionNegotiation: { mode: this.#mode } }),
        };
    }
}
