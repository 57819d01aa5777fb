// A server on the official TypeScript SDKs that serves who bears a token it knows: guarded.ts http|sse|modern TOKEN=NAME…; SDK 1 over
// Streamable HTTP or HTTP+SSE, SDK 2. A session is whose token opened it. It says its URL on stdout, then each session that is ended, and by
// whom. POST /revoke?token=… is the test's own.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer, createMcpHandler, fromJsonSchema, inputRequired } from '@modelcontextprotocol/server';
import type { ServerContext } from '@modelcontextprotocol/server';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema, SubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { nameForm, words } from './offer.ts';

type Auth = { token: string; clientId: string; scopes: string[] };
type Guarded = IncomingMessage & { auth: Auth };

const [kind, ...pairs] = process.argv.slice(2);
const known = new Map(pairs.map((pair) => pair.split('=') as [token: string, name: string]));
const object = { type: 'object' as const, properties: {} };
const tools = ['who', 'ask', 'ring'].map((name) => ({ name, description: name, inputSchema: object }));
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });

/** The session's own name, so that one that is used by another shows. */
function makeLegacy(opener: string): Server {
    const server = new Server({ name: 'guarded', version: '1' }, { capabilities: { tools: {}, resources: { subscribe: true }, logging: {} } });

    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
    server.setRequestHandler(SubscribeRequestSchema, () => ({}));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
        const who = extra.authInfo?.clientId;
        if (params.name === 'ask') {
            const { content } = await server.elicitInput({ message: words.question, requestedSchema: nameForm }, { relatedRequestId: extra.requestId });
            return text(`${content?.['name']} for ${who}`);
        }
        if (params.name === 'ring') await server.sendResourceUpdated({ uri: `note://of-${opener}` });
        return text(`${who} in a session of ${opener}`);
    });
    return server;
}

type Kept<Transport> = Map<string, { transport: Transport; opener: string }>;
const streamable: Kept<StreamableHTTPServerTransport> = new Map();
const sse: Kept<SSEServerTransport> = new Map();

function refuse(answer: ServerResponse, status: number, challenge: string): void {
    answer.writeHead(status, { 'content-type': 'application/json', 'www-authenticate': challenge }).end('{"error":"invalid_token"}');
}

async function serveLegacy(incoming: Guarded, answer: ServerResponse): Promise<void> {
    const id = incoming.headers['mcp-session-id'] as string | undefined;
    const session = streamable.get(id ?? '');

    if (id !== undefined && session === undefined) return void answer.writeHead(404).end();
    if (session !== undefined && session.opener !== incoming.auth.clientId) return refuse(answer, 403, 'Bearer error="insufficient_scope"');
    if (incoming.method === 'DELETE') console.log(`ended by ${incoming.auth.clientId}`);
    if (session !== undefined) return await session.transport.handleRequest(incoming, answer);
    const opener = incoming.auth.clientId;
    const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (fresh) => void streamable.set(fresh, { transport, opener }),
    });
    await makeLegacy(opener).connect(transport as never);
    await transport.handleRequest(incoming, answer);
}

async function serveSse(incoming: Guarded, answer: ServerResponse, url: URL): Promise<void> {
    const session = sse.get(url.searchParams.get('sessionId') ?? '');

    if (session !== undefined && session.opener !== incoming.auth.clientId) return refuse(answer, 403, 'Bearer error="insufficient_scope"');
    if (incoming.method === 'POST' && session !== undefined) return await session.transport.handlePostMessage(incoming, answer);
    if (incoming.method !== 'GET') return void answer.writeHead(405).end();
    const transport = new SSEServerTransport('/message', answer);
    sse.set(transport.sessionId, { transport, opener: incoming.auth.clientId });
    await makeLegacy(incoming.auth.clientId).connect(transport);
}

type Result = ReturnType<typeof inputRequired> | ReturnType<typeof text>;

function makeModern(): McpServer {
    const server = new McpServer({ name: 'guarded', version: '1' }, { capabilities: { tools: {} } });

    for (const { name, description, inputSchema } of tools)
        server.registerTool(name, { description, inputSchema: fromJsonSchema(inputSchema) }, async (_given: unknown, ctx: ServerContext): Promise<Result> => {
            const who = ctx.http?.authInfo?.clientId;
            const answers = (ctx.mcpReq.inputResponses ?? {}) as Record<string, { content?: Record<string, unknown> }>;
            if (name !== 'ask') return text(`${who} without a session`);
            if (answers['name'] === undefined) return inputRequired({ inputRequests: { name: inputRequired.elicit({ message: words.question, requestedSchema: nameForm }) } });
            return text(`${answers['name'].content?.['name']} for ${who}`);
        });
    return server;
}

const modern = createMcpHandler(makeModern, { legacy: 'reject' });

async function serveModern(incoming: Guarded, answer: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const piece of incoming) body.push(piece as Buffer);
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
        method: incoming.method!,
        headers: incoming.headers as Record<string, string>,
        body: body.length === 0 ? undefined : Buffer.concat(body).toString(),
    });
    const response = await modern.fetch(request, { authInfo: incoming.auth });

    answer.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body !== null) for await (const piece of response.body) answer.write(piece);
    answer.end();
}

const http = createServer(async (incoming, answer) => {
    const url = new URL(incoming.url!, 'http://localhost');
    const token = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? '')?.[1] ?? '';
    const clientId = known.get(token);

    if (url.pathname === '/revoke') {
        known.delete(url.searchParams.get('token') ?? '');
        return void answer.writeHead(204).end();
    }
    if (clientId === undefined) return refuse(answer, 401, `Bearer resource_metadata="http://${incoming.headers.host}/.well-known/oauth-protected-resource"`);
    const guarded = Object.assign(incoming, { auth: { token, clientId, scopes: [] } });
    if (kind === 'modern') return await serveModern(guarded, answer);
    if (kind === 'sse') return await serveSse(guarded, answer, url);
    await serveLegacy(guarded, answer);
});

http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`));
