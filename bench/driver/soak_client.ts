// bench/driver/soak_client.ts: an MCP client as it is met in life: it opens a session, calls now and then, listens for a
// while, and leaves in one of several ways. What was answered is checked and remembered.

import { Agent, request } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";

/** How a session is left: by DELETE, by saying no more, with a call and its connection cut. */
export type Leaving = "delete" | "silence" | "cut";
export const leavings: Leaving[] = ["delete", "silence", "cut"];

export interface Counts {
    answered: number;
    refused: number; // an error, said: its server was away, or the session gone with its child
    cut: number; // by us, or with the server
    wrong: string[]; // what must never be: another's answer, a status that nobody documented
}

// 4xx and 502..504 are said when a server was restarted, removed or is full.
const honest = new Set([400, 404, 409, 502, 503, 504]);

interface Answer {
    status: number;
    session: string | undefined;
    text: string;
}

export class SoakClient {
    private readonly agent = new Agent({ keepAlive: true });
    private readonly url: URL;
    private readonly counts: Counts;
    private readonly takeId: () => number;
    private readonly tell: (id: number) => void;
    private session: string | undefined;
    private stream: ClientRequest | undefined;

    /** `takeId` gives each call a number of its own, `tell` hears of those that were answered. */
    constructor(url: string, counts: Counts, takeId: () => number, tell: (id: number) => void) {
        this.url = new URL(url);
        this.counts = counts;
        this.takeId = takeId;
        this.tell = tell;
    }

    private send(method: string, body: string | undefined, onRequest?: (request: ClientRequest) => void): Promise<Answer> {
        const headers: Record<string, string> = { accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25" };
        if (body !== undefined) headers["content-type"] = "application/json";
        if (this.session !== undefined) headers["mcp-session-id"] = this.session;
        return new Promise((resolve, reject) => {
            const going = request(this.url, { method, headers, agent: this.agent, timeout: 60_000 }, (response: IncomingMessage) => {
                let text = "";
                response.setEncoding("utf8");
                response.on("data", (more) => (text += more));
                response.on("error", reject);
                response.on("end", () => {
                    const session = response.headers["mcp-session-id"];
                    resolve({ status: response.statusCode!, session: Array.isArray(session) ? session[0] : session, text });
                });
            });
            going.on("timeout", () => going.destroy(new Error("no answer within a minute")));
            going.on("error", reject);
            onRequest?.(going);
            going.end(body);
        });
    }

    private failed(what: string, status: number, text: string): void {
        if (honest.has(status)) this.counts.refused++;
        else this.counts.wrong.push(`${what} was answered ${status}: ${text.slice(0, 200)}`);
    }

    /** False: not now, and it was said why. */
    async open(): Promise<boolean> {
        const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "soak", version: "1" } };
        try {
            const { status, session, text } = await this.send("POST", JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }));
            if (status !== 200 || !text.includes('"result"')) return this.failed("initialize", status === 200 ? 502 : status, text), false;
            this.session = session;
            await this.send("POST", JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
            return true;
        } catch {
            this.counts.cut++;
            return false;
        }
    }

    /** False: the session is of no use any more. */
    async call(argument: string): Promise<boolean> {
        const id = this.takeId();
        const body = JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "echo", arguments: { text: argument } } });
        try {
            const { status, text } = await this.send("POST", body);
            const data = /^data: ?(\{.*)$/m.exec(text)?.[1] ?? text;
            if (status !== 200) return this.failed("a call", status, text), false;
            const message = JSON.parse(data) as { id?: number; result?: { content: { text: string }[] }; error?: unknown };
            if (message.id !== id) this.counts.wrong.push(`call ${id} got the answer of ${message.id}`);
            else if (message.error !== undefined) return this.counts.refused++, false;
            else if (message.result?.content[0]?.text !== argument) this.counts.wrong.push(`call ${id} got another text: ${data.slice(0, 100)}`);
            else {
                this.counts.answered++;
                this.tell(id);
            }
            return true;
        } catch (error) {
            if (error instanceof SyntaxError) this.counts.wrong.push(`call ${id} got no JSON`);
            else this.counts.cut++;
            return false;
        }
    }

    /** An event stream that stays until this client leaves. */
    listen(): void {
        this.send("GET", undefined, (going) => (this.stream = going)).catch(() => {});
    }

    async leave(how: Leaving): Promise<void> {
        this.stream?.destroy();
        if (how === "cut") {
            const body = JSON.stringify({ jsonrpc: "2.0", id: `cut-${this.takeId()}`, method: "tools/call", params: { name: "echo", arguments: { text: "x" } } });
            await this.send("POST", body, (going) => setImmediate(() => going.destroy())).catch(() => {});
        } else if (how === "delete" && this.session !== undefined) {
            await this.send("DELETE", undefined).catch(() => {});
        }
        this.agent.destroy();
    }
}
