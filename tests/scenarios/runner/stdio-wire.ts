// A scripted server's stdio: Gatehouse starts relay.ts as its child, which connects back here, so the script stays in
// the runner. What the child reads comes here as frames, what it shall do goes back as frames, each a line of JSON.

import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { isRequest, isResponse } from './message.ts';
import type { Id, Message } from './message.ts';
import type { How, Server, Way } from './server.ts';

export type ToChild = { write: 'stdout' | 'stderr'; text: string } | { exit: number };
export type FromChild = { line: string } | { endOfInput: true };

class ChildWay implements Way {
    headers = {};
    isGone = false;
    #socket: net.Socket;
    #batches: { open: Set<Id>; ready: Message[] }[] = [];

    constructor(socket: net.Socket) {
        this.#socket = socket;
    }

    get isOpen() {
        return !this.isGone;
    }

    /** The requests of a batch are answered by one line. */
    owe(ids: Id[]): void {
        this.#batches.push({ open: new Set(ids), ready: [] });
    }

    send(message: Message, _how: How): void {
        const batch = isResponse(message) ? this.#batches.find((each) => each.open.has(message.id as Id)) : undefined;

        if (batch === undefined) return this.write('stdout', `${JSON.stringify(message)}\n`);
        batch.open.delete(message.id as Id);
        batch.ready.push(message);
        if (batch.open.size === 0) this.write('stdout', `${JSON.stringify(batch.ready)}\n`);
    }

    write(to: 'stdout' | 'stderr', text: string): void {
        this.#tell({ write: to, text });
    }

    exit(code: number): void {
        this.#tell({ exit: code });
    }

    #tell(frame: ToChild): void {
        if (!this.isGone) this.#socket.write(`${JSON.stringify(frame)}\n`);
    }

    sendEvent(): void {}
    answer(): void {}
    end(): void {}
    cut(): void {}
}

export class StdioWire {
    server: Server;
    #path: string;
    #net: net.Server;
    #sockets = new Set<net.Socket>();

    constructor(server: Server, directory: string) {
        this.server = server;
        this.#path = `${directory}/${server.speaker.name}.sock`;
        this.#net = net.createServer((socket) => this.#connect(socket));
    }

    async open(): Promise<void> {
        await new Promise<void>((resolve) => this.#net.listen(this.#path, resolve));
    }

    close(): void {
        this.#net.close();
        for (const socket of this.#sockets) socket.destroy();
    }

    /** What the registry's entry says. */
    get command(): { command: string; args: string[] } {
        const relay = fileURLToPath(new URL('relay.ts', import.meta.url));
        return { command: process.execPath, args: ['--disable-warning=ExperimentalWarning', relay, this.#path] };
    }

    #connect(socket: net.Socket): void {
        const way = new ChildWay(socket);
        let rest = '';

        this.#sockets.add(socket);
        socket.setEncoding('utf8');
        socket.on('data', (text: string) => {
            const lines = (rest + text).split('\n');
            rest = lines.pop()!;
            for (const line of lines) this.#take(way, JSON.parse(line) as FromChild);
        });
        socket.on('error', () => {});
        socket.on('close', () => {
            way.isGone = true;
            this.server.stage.changed();
        });
        this.server.began(way);
        this.server.arrive('start', way);
    }

    #take(way: ChildWay, frame: FromChild): void {
        if ('endOfInput' in frame) {
            this.server.arrive('end of input', way);
            way.exit(0);
            return;
        }
        const parsed = JSON.parse(frame.line) as Message | Message[];
        const messages = Array.isArray(parsed) ? parsed : [parsed];
        if (Array.isArray(parsed)) way.owe(messages.filter(isRequest).map((message) => message.id as Id));
        for (const message of messages) this.server.arrive('message', way, message);
    }
}
