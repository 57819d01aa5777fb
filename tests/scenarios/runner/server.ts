// A scripted server: what it says and expects. How that travels is the wire's: http-wire.ts, stdio-wire.ts.

import { Actor } from './actor.ts';
import type { Asked } from './actor.ts';
import { CLIENT, discovery, isRequest, isResponse, metaOf, serverGreeting } from './message.ts';
import type { Id, Message } from './message.ts';
import { isModern } from './plan.ts';
import type { Speaker } from './plan.ts';
import type { Receive, Received, Send, Step } from './scenario.ts';
import { Failure } from './stage.ts';
import type { Stage } from './stage.ts';
import { show } from './value.ts';

export type How = { sse: boolean; event?: string; headers: Record<string, string | null> };

/** The road that a message came by, and that its answer takes: an HTTP request, or a child. */
export interface Way {
    headers: Record<string, string | string[] | undefined>;
    isGone: boolean; // the other side left
    isOpen: boolean; // something can still be sent
    send(message: Message, how: How): void;
    sendEvent(id: string): void;
    answer(status: number, headers: Record<string, string | null>, body: string): void;
    end(): void;
    cut(): void;
    exit?(code: number): void;
    write?(to: 'stdout' | 'stderr', text: string): void;
}

type Arrival = { what: 'GET' | 'DELETE' | 'start' | 'end of input' | 'message'; message?: Message; way: Way };

const INTERNAL_ERROR = -32603; // JSON-RPC 2.0, 5.1
const ONLY_HTTP = ['GET', 'DELETE', 'header', 'hang up'];
const ONLY_STDIO = ['start', 'end of input'];

export class Server extends Actor<Way> {
    isOver = false; // Gatehouse is ending: what it tidies up is no part of the conversation
    repeats: string[] = []; // methods of requests that came twice, in another way
    wasRefused = false; // a question of this server was answered with an error of Gatehouse's own
    #heard = new Map<string, Way>();
    #children: Way[] = [];
    #inbox: Arrival[] = [];
    #last?: Way; // where the last thing came from

    constructor(stage: Stage, speaker: Speaker) {
        super(stage, speaker);
    }

    /** What no line of the script speaks of is answered as any server would. */
    arrive(what: Arrival['what'], way: Way, message?: Message): void {
        const named = message?.method as string | undefined;

        this.#noteRepeat(named ?? what, way, message);
        if ((message?.error as { code?: number } | undefined)?.code === INTERNAL_ERROR) this.wasRefused = true;
        if (this.isOver || (message === undefined && !this.mentions(what))) return;
        if (named !== undefined && !this.mentions(named) && this.#answerAsUsual(named, message!, way)) return;

        this.#inbox.push({ what, way, message });
        if (this.done)
            this.stage.fail(
                new Failure(this.lastLine(), `nothing more at ${this.speaker.name}`, show(message ?? what)),
            );
        this.stage.changed();
    }

    #nameOf(way: Way): string {
        if (!this.#isStdio()) return '';
        if (!this.#children.includes(way)) this.#children.push(way);
        return `child ${this.#children.indexOf(way)}`;
    }

    #noteRepeat(method: string, way: Way, message?: Message): void {
        const who = method === 'initialize' ? message?.params : metaOf(message)[CLIENT]; /* which client's */
        const opening = who === undefined ? '' : JSON.stringify(who);
        const session = way.headers['mcp-session-id'] ?? (this.#nameOf(way) || opening); /* a child is a session of its own */
        if (message !== undefined && !isRequest(message)) return;
        const key = JSON.stringify([method, message?.id, session]);
        const before = this.#heard.get(key);

        if (before !== undefined && before !== way && (message !== undefined || before.isGone)) this.repeats.push(method);
        this.#heard.set(key, way);
    }

    /** Whether Gatehouse left a request of its own, or this server a child, before the script said so. */
    get wasLeft(): boolean {
        return [...this.#heard.values()].some((way) => way.isGone);
    }

    /** Of the two ways to begin, the one of the other era is no method. */
    #answerAsUsual(method: string, message: Message, way: Way): boolean {
        const { name, revision } = this.speaker;
        if (method === 'subscriptions/listen' && isModern(revision)) return this.#letListen(message, way);
        const usual = { 'initialize': serverGreeting(name, revision), 'server/discover': discovery(name, revision) }[method];
        const isOurs = isModern(revision) === (method === 'server/discover');
        const answer: Message = isOurs ? { result: usual! } : { error: { code: -32601, message: 'Method not found' } };

        if (usual) way.send({ jsonrpc: '2.0', id: message.id, ...answer }, { sse: false, headers: {} });
        return usual !== undefined || method === 'notifications/initialized';
    }

    /** Gatehouse listens for legacy clients: it is told that it does, and nothing else. */
    #letListen(message: Message, way: Way): boolean {
        const { notifications } = message.params as Message;
        const params = { notifications: notifications!, _meta: { 'io.modelcontextprotocol/subscriptionId': message.id! } };
        way.send({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params }, { sse: true, headers: {} });
        return true;
    }

    override resultOf(answers: Asked<Way>, result: Message): Message {
        if (answers.method === 'initialize')
            return { ...serverGreeting(this.speaker.name, this.speaker.revision), ...result };
        return super.resultOf(answers, result);
    }

    override async send(step: Step & Send): Promise<void> {
        const { what } = step;
        const how = { sse: step.sse, event: step.event, headers: this.textHeaders(step.headers) };

        switch (what.is) {
            case 'method': {
                const way = await this.#wayFor(step);
                const { message, asked } = this.compose(what, step.label);
                if (asked) asked.way = way;
                return way.send(message, how);
            }
            case 'result':
            case 'error': {
                const { message, answers } = this.compose(what, step.label);
                const way = step.on === undefined || this.#isStdio() ? answers!.way! : this.way(step.on);
                return way.send(message, how);
            }
            case 'event':
                return this.#isStdio() ? undefined : (await this.#wayFor(step)).sendEvent(step.event!);
            case 'answer': {
                if (this.#isStdio()) return;
                const way = await this.#wayFor(step);
                this.theirs = this.theirs.filter((asked) => asked.way !== way);
                return way.answer(what.status, how.headers, what.body ?? '');
            }
            default:
                this.fails('a server sends no such thing');
        }
    }

    /** Where to speak: the stream named, else that of the last open request, else the last that came. */
    async #wayFor(step: Send): Promise<Way> {
        if (step.on !== undefined && !this.#isStdio()) return this.way(step.on);
        if (step.on !== undefined && this.ways.has(step.on)) return this.way(step.on);
        const asked = this.theirs.findLast((each) => each.way?.isOpen);
        return (
            asked?.way ??
            this.stage.until(
                () => (this.#last?.isOpen ? this.#last : undefined),
                () => this.gaveUp('no stream to speak on'),
            )
        );
    }

    /** A child is there as soon as it has started, before it was told anything. */
    began(way: Way): void {
        this.#last = way;
        this.stage.changed();
    }

    #isStdio(): boolean {
        return this.speaker.transport === 'stdio';
    }

    #isForOther(what: string): boolean {
        return (this.#isStdio() ? ONLY_HTTP : ONLY_STDIO).includes(what);
    }

    override async receive(step: Step & Receive): Promise<void> {
        const { what } = step;

        if (this.#isForOther(what.is)) return;
        if (what.is === 'header') return this.compare(what.value, this.#last?.headers[what.name]);
        if (what.is === 'hang up') {
            const way =
                step.on !== undefined || step.label !== undefined ? this.way((step.on ?? step.label)!) : this.#last!;
            await this.stage.until(
                () => way.isGone || undefined,
                () => this.gaveUp('still there'),
            );
            this.theirs = this.theirs.filter((asked) => asked.way !== way);
            return;
        }
        const arrival = await this.stage.until(
            () => this.#inbox[0],
            () => this.gaveUp(),
        );
        this.#inbox.shift();
        this.#last = arrival.way;
        if (arrival.message === undefined || !isMessage(what)) {
            if (arrival.what !== what.is) this.fails(show(arrival.message ?? arrival.what));
            if (step.label !== undefined) this.ways.set(step.label, arrival.way);
            return;
        }
        if (isResponse(arrival.message)) this.#checkAnswer(arrival.message, step.label);
        this.check(what, arrival.message, arrival.way, step.label);
    }

    #checkAnswer(message: Message, label: string | undefined): void {
        const asked = this.takeAsked(this.mine, label);
        if (asked.id !== (message.id as Id))
            this.fails(`id ${show(message.id)} and not ${show(asked.id)}: ${show(message)}`);
    }

    override async act(step: Step): Promise<void> {
        if (step.do === 'hang up' || step.do === 'end') {
            if (this.#isStdio()) return step.do === 'hang up' ? this.#exit(1) : undefined;
            const way = step.label === undefined ? (this.theirs.at(-1)?.way ?? this.#last) : this.way(step.label);
            return step.do === 'end' ? way?.end() : way?.cut();
        }
        if (!this.#isStdio()) return;
        const child = await this.stage.until(
            () => this.#last,
            () => this.gaveUp('no child was started'),
        );
        if (step.do === 'exit') this.#exit(step.code);
        if (step.do !== 'stdout' && step.do !== 'stderr') return;
        const written = this.filled(step.written)!;
        child.write!(step.do, typeof written === 'string' ? written : JSON.stringify(written));
    }

    #exit(code: number): void {
        this.#last?.exit!(code);
        this.theirs = this.theirs.filter((asked) => asked.way !== this.#last);
    }

    override leftOver(): string | undefined {
        if (this.#inbox.length === 0) return undefined;
        return this.#inbox.map((arrival) => show(arrival.message ?? arrival.what)).join(', ');
    }
}

function isMessage(what: Received): what is Extract<Received, { is: 'method' | 'result' | 'error' }> {
    return what.is === 'method' || what.is === 'result' || what.is === 'error';
}
