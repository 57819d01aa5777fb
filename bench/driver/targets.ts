// bench/driver/targets.ts: what is measured: how each is configured and started.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { execFileSync } from "node:child_process";
import { freePort, pause, Program } from "./process.ts";

export const here = join(import.meta.dirname, "..");
export const root = join(here, "..");
export const build = process.env.GATEHOUSE_BUILD ?? join(root, "build");
export const tool = (name: string) => join(build, "bench", name);

export interface Target {
    name: string;
    upstream: "http" | "stdio" | "none";
    starts: number; // how often the start is timed
    oneConnection: boolean; // measured at one connection too
    /** Files in `dir`, and the command that serves on `port`. */
    prepare(dir: string, port: number, upstreamUrl: string): { command: string[]; path: string; env?: Record<string, string> };
    readyLine?: RegExp; // else ready is when something listens
    records?: { file: string; ids: string }; // its database, and the query for the ids of answered calls
    host: "localhost" | "127.0.0.1";
    era?: "modern"; // what its clients speak, if not 2025-11-25 with sessions
    server?: string[]; // what is behind it, if not echo_http or echo_stdio: the command, over HTTP or as a child
    forStreams?: Target; // it needs another configuration to pass an event stream's head on at once
}

export interface Running {
    target: Target;
    url: string;
    dir: string;
    program: Program;
    upstream?: Program;
}

const STDIO = tool("echo_stdio");

function writeJson(path: string, value: unknown): void {
    writeFileSync(path, JSON.stringify(value, null, 2), { mode: 0o600 });
}

/** The same for Gatehouse and for Fiberplane's: an entry `echo`. */
function registry(dir: string, upstream: "http" | "stdio", url: string, [command, ...args]: string[] = [STDIO]): void {
    const entry = upstream === "http" ? { type: "http", url } : { type: "stdio", command, args };
    writeJson(join(dir, "mcp.json"), { mcpServers: { echo: entry } });
}

function findNginx(): string {
    for (const dir of [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]) {
        if (existsSync(join(dir, "nginx"))) return join(dir, "nginx");
    }
    throw new Error("nginx is missing, and without it the figures have nothing to stand beside: apt-get install nginx-light");
}

// proxy_pass with connections kept on both sides.
function nginxConfig(dir: string, port: number, upstreamUrl: string, buffering: "on" | "off"): string {
    return `worker_processes 1;
worker_rlimit_nofile 32768;
daemon off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log crit;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
    uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
    keepalive_requests 1000000000;
    upstream echo { server ${new URL(upstreamUrl).host}; keepalive 128; keepalive_requests 1000000000; }
    server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://echo; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering ${buffering}; }
    }
}
`;
}

function nginx(buffering: "on" | "off"): Target {
    return {
        name: "nginx",
        upstream: "http",
        starts: 20,
        oneConnection: true,
        host: "127.0.0.1",
        prepare(dir, port, upstreamUrl) {
            chmodSync(dir, 0o755); // its worker is another user when we are root
            writeFileSync(join(dir, "nginx.conf"), nginxConfig(dir, port, upstreamUrl, buffering));
            return { command: [findNginx(), "-e", join(dir, "error.log"), "-c", join(dir, "nginx.conf")], path: "/mcp" };
        },
    };
}

export const direct: Target = {
    name: "direct",
    upstream: "http",
    starts: 20,
    oneConnection: true,
    host: "127.0.0.1",
    prepare: (_dir, port) => ({ command: [tool("echo_http"), "--sessions", "--streams", "--port", String(port), "--keep"], path: "/mcp" }),
};

export function gatehouse(name: string, upstream: "http" | "stdio", server?: string[]): Target {
    return {
        name,
        upstream,
        server,
        starts: 20,
        oneConnection: upstream === "http",
        readyLine: /^http:\/\/localhost:\d+/,
        records: { file: "traffic.db", ids: "select jsonrpc_id as id from exchange where method = 'tools/call' and outcome is not null" },
        host: "localhost",
        prepare(dir, port, upstreamUrl) {
            if (!existsSync(join(dir, "mcp.json"))) registry(dir, upstream, upstreamUrl, server);
            return { command: [join(build, "gatehouse"), "serve", "--home", dir, "--port", String(port)], path: "/s/echo/mcp" };
        },
    };
}

export const PEERS = join(here, "peers");
const script = (name: string) => [process.execPath, join(PEERS, "node_modules", ...name.split("/"))];

function fiberplane(name: string, upstream: "http" | "stdio"): Target {
    return {
        name,
        upstream,
        starts: 5,
        oneConnection: true,
        records: { file: "logs.db", ids: "select jsonrpc_id as id from logs where method = 'tools/call' and response_json is not null" },
        host: "127.0.0.1",
        prepare(dir, port, upstreamUrl) {
            registry(dir, upstream, upstreamUrl);
            const command = [...script("@fiberplane/mcp-gateway/bin/mcp-gateway.js"), "--port", String(port), "--storage-dir", dir];
            return { command, path: "/s/echo/mcp", env: { MCP_GATEWAY_TOKEN: "bench" } };
        },
    };
}

const peers: Target[] = [
    fiberplane("fiberplane", "http"),
    fiberplane("fiberplane-stdio", "stdio"),
    {
        name: "mcp-proxy",
        upstream: "stdio",
        starts: 5,
        oneConnection: true,
        host: "127.0.0.1",
        prepare: (_dir, port) => ({
            command: [...script("mcp-proxy/dist/bin/mcp-proxy.mjs"), "--host", "127.0.0.1", "--port", String(port), "--server", "stream", "--", STDIO],
            path: "/mcp",
        }),
    },
    {
        name: "supergateway",
        upstream: "stdio",
        starts: 5,
        oneConnection: true,
        host: "127.0.0.1",
        prepare: (_dir, port) => ({
            command: [
                ...script("supergateway/dist/index.js"), "--stdio", STDIO, "--outputTransport", "streamableHttp", "--stateful",
                "--logLevel", "none", "--port", String(port),
            ],
            path: "/mcp",
        }),
    },
];

/** In the order in which a round measures them. */
export function targets(withPeers: boolean): Target[] {
    findNginx();
    const ours = [direct, { ...nginx("on"), forStreams: nginx("off") }, gatehouse("gatehouse", "http"), gatehouse("gatehouse-stdio", "stdio")];
    return withPeers ? [...ours, ...peers] : ours;
}

export function installPeers(): void {
    const npm = existsSync(join(process.execPath, "../npm")) ? join(process.execPath, "../npm") : "npm";
    execFileSync(npm, ["ci", "--ignore-scripts"], { cwd: PEERS, stdio: ["ignore", "ignore", "inherit"] });
}

export function temporary(): string {
    return mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
}

export async function startUpstream(cpus: string, command = [tool("echo_http"), "--sessions", "--streams"]): Promise<{ program: Program; url: string }> {
    const program = new Program(cpus, command);
    const [url] = await program.line(/^http:\S+/);
    return { program, url };
}

async function listening(program: Program, port: number): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
        const open = await new Promise<boolean>((resolve) => {
            const socket = createConnection({ port, host: "127.0.0.1" }, () => resolve(true));
            socket.on("error", () => resolve(false));
            socket.on("connect", () => socket.destroy());
        });
        if (open) return;
        await program.orEnd(pause(50));
    }
    throw new Error(`${program.name} does not listen on port ${port}`);
}

/** Upstream and program, ready. `dir` is a home that is there already, with its upstream at `upstreamUrl`. */
export async function start(target: Target, cpus: { program: string; load: string }, dir = temporary()): Promise<Running> {
    mkdirSync(dir, { recursive: true });
    const needsUpstream = target !== direct && target.upstream === "http";
    const upstream = needsUpstream ? await startUpstream(cpus.load, target.server) : undefined;
    if (upstream && target.records) registry(dir, "http", upstream.url); // a home used again has a new upstream
    const port = await freePort();
    const { command, path, env } = target.prepare(dir, port, upstream?.url ?? "");
    const program = new Program(target === direct ? cpus.load : cpus.program, command, { outside: basename(target.server?.[0] ?? STDIO), env });
    try {
        if (target.readyLine) await program.line(target.readyLine);
        else await listening(program, port);
    } catch (error) {
        await program.stop();
        await upstream?.program.stop();
        remove(dir);
        throw error;
    }
    return { target, url: `http://${target.host}:${port}${path}`, dir, program, upstream: upstream?.program };
}

/** How the program ended: 0, or a code or signal. */
export async function stop(running: Running): Promise<number | string> {
    const code = await running.program.stop();
    await running.upstream?.stop();
    return code;
}

export function remove(dir: string): void {
    rmSync(dir, { recursive: true, force: true });
}
