// A server on the official TypeScript SDK 1 whose tools are tasks of 2025-11-25: tasks-v1.ts stdio|http. They are those of
// tests/conformance/server/tasks.c, by name and words. Over HTTP it says its URL on stdout.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ElicitResultSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

type Given = Record<string, any>;
type Answer = { content: Given };
type Ask = (message: string, property: string, type: string) => Promise<Answer>;
type Result = { content: { type: 'text'; text: string }[]; isError?: boolean };

const POLL_MS = 100;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string, isError = false): Result => ({ content: [{ type: 'text', text }], ...(isError ? { isError } : {}) });

/** The store of the SDK has no errors of the protocol. */
class Store extends InMemoryTaskStore {
    refused = new Map<string, McpError>();

    override async getTaskResult(taskId: string, sessionId?: string) {
        const refusal = this.refused.get(taskId);
        if (refusal !== undefined) throw refusal;
        return await super.getTaskResult(taskId, sessionId);
    }
}

type Tool = { description: string; input: Record<string, z.ZodType>; before?: true; run: (given: Given, ask: Ask, known?: Answer) => Promise<Result> };

const tools: Record<string, Tool> = {
    slow_compute: {
        description: 'Takes as long as it is told.',
        input: { seconds: z.number(), label: z.string().default('something') },
        run: async ({ seconds, label }) => {
            await sleep(seconds * 1000);
            return say(`Computed ${label}`);
        },
    },
    failing_job: { description: 'A task that fails.', input: {}, run: async () => say('This job always fails', true) },
    protocol_error_job: {
        description: 'A task that ends in an error of the protocol.',
        input: {},
        run: async () => {
            throw new McpError(4001, 'This job always ends in an error of the protocol');
        },
    },
    confirm_delete: {
        description: 'Asks before it deletes; it has nothing to delete.',
        input: { filename: z.string() },
        run: async ({ filename }, ask) => say(`${(await ask(`Delete ${filename}?`, 'confirm', 'boolean')).content?.['confirm'] === true ? 'Deleted' : 'Kept'} ${filename}`),
    },
    multi_input: {
        description: 'Asks two things at once, and goes on when both are known.',
        input: {},
        run: async (_, ask) => {
            const [first, second] = await Promise.all([ask('The first name?', 'name', 'string'), ask('The second name?', 'name', 'string')]);
            return say(`${first.content['name']} and ${second.content['name']}`);
        },
    },
    test_tool_with_task: {
        description: 'Asks first, then takes its time.',
        input: {},
        before: true,
        run: async (_given, _ask, known) => {
            await sleep(50);
            return say(`Hello, ${known?.content['name']}!`);
        },
    },
};

const form = (message: string, property: string, type: string) => ({
    method: 'elicitation/create' as const,
    params: { mode: 'form' as const, message, requestedSchema: { type: 'object' as const, properties: { [property]: { type } }, required: [property] } },
});

/** Its questions go the way of tasks: they wait for who asks for the result. */
async function work({ run }: Tool, given: Given, taskId: string, store: Store, extra: any, known?: Answer): Promise<void> {
    let open = 0;
    const ask: Ask = async (...about) => {
        if (open++ === 0) await extra.taskStore.updateTaskStatus(taskId, 'input_required');
        const answer = await extra.sendRequest(form(...about), ElicitResultSchema, { relatedTask: { taskId } });
        if (--open === 0) await extra.taskStore.updateTaskStatus(taskId, 'working');
        return answer as Answer;
    };

    try {
        const result = await run(given, ask, known);
        await extra.taskStore.storeTaskResult(taskId, result.isError ? 'failed' : 'completed', result);
    } catch (problem) {
        if (problem instanceof McpError && problem.code === 4001) store.refused.set(taskId, problem);
        await extra.taskStore.storeTaskResult(taskId, 'failed', say(String(problem), true)).catch(() => {}); // cancelled
    }
}

const store = new Store();

function make(): McpServer {
    const capabilities = { tools: {}, tasks: { cancel: {}, list: {}, requests: { tools: { call: {} } } } };
    const server = new McpServer({ name: 'tasks-v1', version: '1' }, { capabilities, taskStore: store, taskMessageQueue: new InMemoryTaskMessageQueue() });

    server.registerTool('greet', { description: 'Greets someone by name, at once.', inputSchema: { name: z.string() } }, ({ name }) => say(`Hello, ${name}!`));
    for (const [name, tool] of Object.entries(tools))
        server.experimental.tasks.registerToolTask(
            name,
            { description: tool.description, inputSchema: tool.input as never, execution: { taskSupport: 'required' } },
            {
                createTask: async (given: Given, extra: any) => {
                    const known = tool.before ? ((await extra.sendRequest(form('What is your name?', 'name', 'string'), ElicitResultSchema)) as Answer) : undefined;
                    const task = await extra.taskStore.createTask({ ttl: 300000, pollInterval: POLL_MS });
                    void work(tool, given, task.taskId, store, extra, known);
                    return { task };
                },
                getTask: (_: Given, extra: any) => extra.taskStore.getTask(extra.taskId),
                getTaskResult: (_: Given, extra: any) => extra.taskStore.getTaskResult(extra.taskId),
            } as never,
        );
    return server;
}

/** A session each. */
function serve(): void {
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    const http = createServer(async (incoming, outgoing) => {
        const known = incoming.headers['mcp-session-id'] as string | undefined;
        let transport = sessions.get(known ?? '');
        if (transport === undefined) {
            if (known !== undefined) return void outgoing.writeHead(404).end();
            transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID(), onsessioninitialized: (id) => void sessions.set(id, transport!) });
            await make().connect(transport as never);
        }
        await transport.handleRequest(incoming, outgoing);
    });

    http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`));
}

if (process.argv[2] === 'stdio') await make().connect(new StdioServerTransport());
else serve();
