// bench/peers/sdk_server.mjs: echo_service.c's one tool on the official SDK: what --toolkit measures the toolkit beside.
//
//   node sdk_server.mjs legacy|modern PORT
//
// Legacy is v1 with a server and a transport for each session, as its own example has it; modern is v2, which makes a
// server for each request. Both answer calls with JSON where they can, as the toolkit does. No framework is between.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { z } from "zod";

const [era, port] = process.argv.slice(2);
const info = { name: "echo", version: "1.0.0" };
const tool = { description: "Gives the text back.", annotations: { readOnlyHint: true, openWorldHint: false } };
const echo = ({ text }) => ({ content: [{ type: "text", text }] });

async function legacy() {
    const { McpServer } = await import("@modelcontextprotocol/sdk/server/mcp.js");
    const { StreamableHTTPServerTransport } = await import("@modelcontextprotocol/sdk/server/streamableHttp.js");
    const sessions = new Map();

    return async (request, response) => {
        let transport = sessions.get(request.headers["mcp-session-id"]);
        if (!transport) {
            transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: randomUUID,
                enableJsonResponse: true,
                onsessioninitialized: (id) => void sessions.set(id, transport),
                onsessionclosed: (id) => void sessions.delete(id),
            });
            const server = new McpServer(info);
            server.registerTool("echo", { ...tool, inputSchema: { text: z.string() } }, echo);
            await server.connect(transport);
        }
        await transport.handleRequest(request, response);
    };
}

async function modern() {
    const { McpServer, createMcpHandler } = await import("@modelcontextprotocol/server");
    const { toNodeHandler } = await import("@modelcontextprotocol/node");

    return toNodeHandler(
        createMcpHandler(
            () => {
                const server = new McpServer(info, { capabilities: { tools: { listChanged: true } } });
                server.registerTool("echo", { ...tool, inputSchema: z.object({ text: z.string() }) }, echo);
                return server;
            },
            { legacy: "reject", maxSubscriptions: 16384 },
        ),
    );
}

const handle = await (era === "modern" ? modern() : legacy());
const server = createServer((request, response) => void handle(request, response));
server.keepAliveTimeout = 600_000;
server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/mcp`));
process.on("SIGTERM", () => process.exit(0));
