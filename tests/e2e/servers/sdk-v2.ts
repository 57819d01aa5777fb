// A server on the official TypeScript SDK 2, of the modern era alone: sdk-v2.ts stdio|http. What sdk-v1.ts asks while a call runs, it
// asks in rounds. Over HTTP it says its URL on stdout.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer, createMcpHandler, fromJsonSchema, inputRequired } from '@modelcontextprotocol/server';
import type { ServerContext } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { STEPS, nameForm, tools, words } from './offer.ts';

type Answers = Record<string, { content?: Record<string, unknown>; roots?: { uri: string }[] }>;
type Result = ReturnType<typeof inputRequired> | { content: { type: 'text'; text: string }[] };

async function answer(name: string, given: Record<string, unknown>, ctx: ServerContext): Promise<string | ReturnType<typeof inputRequired>> {
    const known = (ctx.mcpReq.inputResponses ?? {}) as Answers;
    const ask = (request: Parameters<typeof inputRequired>[0]['inputRequests']) => inputRequired({ inputRequests: request });

    switch (name) {
        case 'add':
            return words.sum(given);
        case 'ask':
            if (known['name'] === undefined) return ask({ name: inputRequired.elicit({ message: words.question, requestedSchema: nameForm }) });
            return words.hello(known['name'].content);
        case 'think': {
            const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: words.thought } }];
            if (known['thought'] === undefined) return ask({ thought: inputRequired.createMessage({ messages, maxTokens: 10 }) });
            return words.said(known['thought'].content);
        }
        case 'where':
            if (known['roots'] === undefined) return ask({ roots: inputRequired.listRoots() });
            return words.roots(known['roots'].roots ?? []);
        default: {
            const token = ctx.mcpReq._meta?.progressToken;
            for (let progress = 1; progress <= STEPS && token !== undefined; progress++) {
                await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress, total: STEPS } });
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
            return words.counted;
        }
    }
}

function make(): McpServer {
    const server = new McpServer({ name: 'sdk-v2', version: '1' }, { capabilities: { tools: {}, resources: {}, prompts: {} } });

    for (const { name, description, inputSchema } of tools)
        server.registerTool(name, { description, inputSchema: fromJsonSchema(inputSchema) }, async (given: unknown, ctx: ServerContext): Promise<Result> => {
            const said = await answer(name, given as Record<string, unknown>, ctx);
            return typeof said === 'string' ? { content: [{ type: 'text', text: said }] } : said;
        });
    server.registerResource('note', words.uri, {}, ({ href }) => ({ contents: [{ uri: href, text: words.note }] }));
    server.registerPrompt('greeting', {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: words.prompt } }] }));
    return server;
}

function serve(): void {
    const handler = createMcpHandler(make, { legacy: 'reject' });
    const http = createServer(async (incoming, outgoing) => {
        const gone = new AbortController();
        const body: Buffer[] = [];
        for await (const piece of incoming) body.push(piece as Buffer);
        outgoing.on('close', () => gone.abort());
        const response = await handler.fetch(
            new Request(`http://${incoming.headers.host}${incoming.url}`, {
                method: incoming.method!,
                headers: incoming.headers as Record<string, string>,
                body: body.length === 0 ? undefined : Buffer.concat(body).toString(),
                signal: gone.signal,
            }),
        );
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        if (response.body !== null) for await (const piece of response.body) outgoing.write(piece);
        outgoing.end();
    });

    http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`));
}

if (process.argv[2] === 'stdio') serveStdio(make, { legacy: 'reject' });
else serve();
