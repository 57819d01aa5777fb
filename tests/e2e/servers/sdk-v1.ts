// A server on the official TypeScript SDK 1, of the legacy era: sdk-v1.ts stdio|http|sse. It does one thing of each kind, and asks
// while a call runs. Over HTTP it says its URL on stdout.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
    CallToolRequestSchema,
    GetPromptRequestSchema,
    ListPromptsRequestSchema,
    ListResourcesRequestSchema,
    ListToolsRequestSchema,
    ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { STEPS, nameForm, tools, words } from './offer.ts';

type Extra = { sendNotification: (message: never) => Promise<void> };

async function answer(server: Server, name: string, given: Record<string, unknown>, token: unknown, extra: Extra): Promise<string> {
    const related = extra as { requestId?: string | number };
    const onItsStream = { relatedRequestId: related.requestId! };

    switch (name) {
        case 'add':
            return words.sum(given);
        case 'ask': {
            const { content } = await server.elicitInput({ message: words.question, requestedSchema: nameForm }, onItsStream);
            return words.hello(content);
        }
        case 'think': {
            const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: words.thought } }];
            const { content } = await server.createMessage({ messages, maxTokens: 10 }, onItsStream);
            return words.said(content);
        }
        case 'where':
            return words.roots((await server.listRoots({}, onItsStream)).roots);
        case 'count':
            for (let progress = 1; progress <= STEPS && token !== undefined; progress++) {
                await extra.sendNotification({ method: 'notifications/progress', params: { progressToken: token, progress, total: STEPS } } as never);
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
            return words.counted;
        default:
            throw new Error(`no tool ${name}`);
    }
}

function make(): Server {
    const server = new Server({ name: 'sdk-v1', version: '1' }, { capabilities: { tools: {}, resources: {}, prompts: {} } });

    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
        const text = await answer(server, params.name, params.arguments ?? {}, params._meta?.progressToken, extra as unknown as Extra);
        return { content: [{ type: 'text', text }] };
    });
    server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [{ uri: words.uri, name: 'note' }] }));
    server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({ contents: [{ uri: params.uri, text: words.note }] }));
    server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [{ name: 'greeting' }] }));
    server.setRequestHandler(GetPromptRequestSchema, () => ({ messages: [{ role: 'user', content: { type: 'text', text: words.prompt } }] }));
    return server;
}

/** A session each, by the id in its header, or in the address to which its messages are posted. */
function serve(kind: string): void {
    const streamable = new Map<string, StreamableHTTPServerTransport>();
    const sse = new Map<string, SSEServerTransport>();
    const http = createServer(async (incoming, outgoing) => {
        const url = new URL(incoming.url!, 'http://localhost');
        if (kind === 'sse') {
            if (incoming.method === 'POST' && url.pathname === '/message') return void (await sse.get(url.searchParams.get('sessionId') ?? '')?.handlePostMessage(incoming, outgoing));
            if (incoming.method !== 'GET') return void outgoing.writeHead(405).end();
            const transport = new SSEServerTransport('/message', outgoing);
            sse.set(transport.sessionId, transport);
            return void (await make().connect(transport));
        }
        const known = incoming.headers['mcp-session-id'] as string | undefined;
        let transport = streamable.get(known ?? '');
        if (transport === undefined) {
            if (known !== undefined) return void outgoing.writeHead(404).end();
            transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: () => randomUUID(),
                onsessioninitialized: (id) => void streamable.set(id, transport!),
            });
            await make().connect(transport as never);
        }
        await transport.handleRequest(incoming, outgoing);
    });

    http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(http.address() as AddressInfo).port}/${kind === 'sse' ? 'sse' : 'mcp'}`));
}

if (process.argv[2] === 'stdio') await make().connect(new StdioServerTransport());
else serve(process.argv[2]!);
