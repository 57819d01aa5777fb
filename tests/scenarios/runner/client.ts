// A scripted client over Streamable HTTP.

import http from 'node:http';
import { Actor } from './actor.ts';
import { clientGreeting, isRequest, isResponse, mirrorHeaders, withEnvelope } from './message.ts';
import type { Id, Message } from './message.ts';
import { isModern, saysVersion, serverOfPath } from './plan.ts';
import type { Speaker } from './plan.ts';
import type { Receive, Send, Step } from './scenario.ts';
import { EventReader } from './sse.ts';
import { Failure } from './stage.ts';
import type { Stage } from './stage.ts';
import { fill, show } from './value.ts';

type Item = { at: number; message?: Message; event?: string };

/** One HTTP request of the client and all that its answer brought. */
class Hop {
    queue: Item[] = [];
    status?: number;
    headers: http.IncomingHttpHeaders = {};
    text = '';
    ended?: 'end' | 'cut';
    statusIsSpoken = false;
    stays = false; // open as long as its client wants
    listens = false; // and so to a server of the other era
    request?: http.ClientRequest;
}

export type Outcome = { stays: boolean; listens: boolean; status?: number; ended?: 'end' | 'cut'; isError: boolean; text: string };

export type Target = { host: string; port: number; hostHeader: string; path: string; token?: string };

export class Client extends Actor<Hop> {
    target: Target;
    #hops: Hop[] = [];
    #agent = new http.Agent({ keepAlive: true });
    #arrived = 0;
    #session?: string;
    #revision?: string; // as negotiated
    #answers = new Map<Id, Hop>(); // where the answer to a request is expected
    #cancelled = new Set<Id>(); // an answer that comes nevertheless is ignored, as the protocol wants it

    constructor(stage: Stage, speaker: Speaker, target: Target) {
        super(stage, speaker);
        this.target = target;
    }

    leave(): void {
        for (const hop of this.#hops) hop.request?.destroy();
        this.#agent.destroy();
    }

    override async beforeFirst(): Promise<void> {
        if (!this.speaker.opens || isModern(this.speaker.revision)) return;

        const { message, asked } = this.compose({ is: 'method', method: 'initialize' }, undefined);
        this.mine = this.mine.filter((each) => each !== asked);
        message.params = this.#greeting();
        const hop = this.#post(message);
        const answer = await this.stage.until(
            () => hop.queue[0]?.message ?? (hop.ended && this.#openingFailed(hop)),
            () => this.#openingFailed(hop),
        );
        if (answer instanceof Error || !('result' in answer))
            throw answer instanceof Error ? answer : this.#openingFailed(hop);
        if ((answer.result as Message).protocolVersion !== (message.params as Message).protocolVersion)
            throw this.#openingFailed(hop); /* a script that wants another says so: `without opening` */
        hop.queue.shift();
        await this.#accepted(this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' }));
    }

    #openingFailed(hop: Hop): Failure {
        return new Failure(this.speaker.line, `the opening of ${this.speaker.name}`, describeHop(hop));
    }

    #greeting(over: Message = {}): Message {
        const options = (this.speaker.options ? fill(this.speaker.options, this.names) : {}) as Message;
        return { ...clientGreeting(this.speaker.name, this.speaker.revision), ...options, ...over };
    }

    override async send(step: Step & Send, next: Step | undefined): Promise<void> {
        const { what } = step;
        const headers = this.textHeaders(step.headers);
        let hop: Hop;

        if (what.is === 'request') {
            hop = this.#request(what.verb, what.path, headers, what.body);
            hop.stays = what.verb === 'GET';
            this.#expectAnswerTo(what.body, hop, step.label);
        } else if (what.is === 'batch') {
            const parts = what.parts.map((part) => this.compose(part.what as never, part.label));
            hop = this.#post(
                parts.map((part) => part.message),
                headers,
            );
            for (const { asked } of parts) this.#wayOf(asked, hop);
        } else if (what.is === 'method' || what.is === 'result' || what.is === 'error') {
            const { message, asked } = this.compose(what, step.label);
            if (asked && isModern(this.speaker.revision))
                message.params = withEnvelope(message.params as Message, this.#greeting());
            else if (message.method === 'initialize') message.params = this.#greeting(message.params as Message);
            if (message.params === undefined) delete message.params;
            hop = this.#post(message, { ...mirrorHeaders(message, this.speaker.revision), ...headers });
            this.#wayOf(asked, hop);
            hop.listens = message.method === 'subscriptions/listen';
            hop.stays = hop.listens && serverOfPath(this.target.path) === undefined;
            if (message.method === 'notifications/cancelled')
                this.#cancelled.add((message.params as Message).requestId as Id);
            const spoken = next?.do === 'receive' && next.what.is === 'status';
            if (asked === undefined && !spoken) await this.#accepted(hop);
        } else {
            this.fails('a client sends no such thing');
        }
        if (step.label !== undefined) this.ways.set(step.label, hop);
    }

    #wayOf(asked: { id: Id; label?: string; way?: Hop } | undefined, hop: Hop): void {
        if (asked === undefined) return;
        asked.way = hop;
        this.#answers.set(asked.id, hop);
        if (asked.label !== undefined) this.ways.set(asked.label, hop);
    }

    /** A body written by hand may hold a request, too. */
    #expectAnswerTo(body: string | undefined, hop: Hop, label: string | undefined): void {
        try {
            const message = JSON.parse(body ?? '');
            if (!isRequest(message)) return;
            const asked = { id: message.id, label, way: hop, method: message.method };
            this.mine.push(asked);
            this.#wayOf(asked, hop);
        } catch {
            /* not JSON: nothing to expect */
        }
    }

    async #accepted(hop: Hop): Promise<void> {
        const status = await this.stage.until(
            () => hop.status ?? (hop.ended && 0),
            () => this.gaveUp('no answer'),
        );
        if (status !== 202) this.fails(describeHop(hop));
        hop.statusIsSpoken = true;
    }

    #post(body: Message | Message[], headers: Record<string, string | null> = {}): Hop {
        return this.#request('POST', undefined, headers, JSON.stringify(body));
    }

    #request(method: string, path: string | undefined, over: Record<string, string | null>, body?: string): Hop {
        const hop = new Hop();
        const headers = this.#headers(method, over);
        const { host, port } = this.target;
        const options = {
            agent: this.#agent,
            host,
            port,
            method,
            path: path ?? this.target.path,
            headers,
            setHost: false,
        };

        if (body !== undefined) headers['Content-Length'] = String(Buffer.byteLength(body));
        hop.request = http.request(options, (answer) => this.#read(hop, answer));
        hop.request.on('error', () => this.#ended(hop, 'cut'));
        hop.request.end(body);
        this.#hops.push(hop);
        return hop;
    }

    #headers(method: string, over: Record<string, string | null>): Record<string, string> {
        const revision = isModern(this.speaker.revision) ? this.speaker.revision : this.#revision;
        const usual: Record<string, string | undefined | null> = {
            'host': this.target.hostHeader,
            'accept': method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
            'content-type': method === 'POST' ? 'application/json' : undefined,
            'authorization': this.target.token && `Bearer ${this.target.token}`,
            'mcp-session-id': this.#session,
            'mcp-protocol-version': saysVersion(revision) ? revision : undefined,
            ...Object.fromEntries(Object.entries(over).map(([name, value]) => [name.toLowerCase(), value])),
        };
        return Object.fromEntries(Object.entries(usual).filter((each): each is [string, string] => each[1] != null));
    }

    #read(hop: Hop, answer: http.IncomingMessage): void {
        const reader = new EventReader();
        const isStream = answer.headers['content-type']?.startsWith('text/event-stream') ?? false;

        hop.status = answer.statusCode;
        hop.headers = answer.headers;
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => {
            hop.text += text;
            if (isStream) {
                for (const event of reader.feed(text)) this.#arrive(hop, event.data ?? '', event.id);
                this.stage.changed();
            }
        });
        answer.on('end', () => {
            if (!isStream && hop.text !== '') this.#arrive(hop, hop.text);
            this.#ended(hop, reader.isBroken() ? 'cut' : 'end');
        });
        answer.on('error', () => this.#ended(hop, 'cut'));
        this.stage.changed();
    }

    #ended(hop: Hop, how: 'end' | 'cut'): void {
        hop.ended ??= how;
        this.stage.changed();
    }

    #arrive(hop: Hop, text: string, event?: string): void {
        const messages = parseMessages(text);

        if (text === '' && event !== undefined) this.#arriveWithoutData(hop, event);
        for (const message of messages) {
            hop.queue.push({ at: this.#arrived++, message, event });
            if ('result' in message) this.#learn(message.result as Message, hop);
        }
    }

    /** Clients of older revisions parse what is not there. */
    #arriveWithoutData(hop: Hop, event: string): void {
        const { speaker, stage } = this;
        const takesIt = this.#revision === '2025-11-25';

        hop.queue.push({ at: this.#arrived++, event });
        if (!takesIt) stage.fail(new Failure(speaker.line, 'no event without data', `event ${show(event)}`));
    }

    /** The answer to `initialize` brings the session and the revision. */
    #learn(result: Message, hop: Hop): void {
        if (typeof result?.protocolVersion !== 'string') return;
        this.#revision = result.protocolVersion;
        this.#session = hop.headers['mcp-session-id'] as string | undefined;
    }

    override async receive(step: Step & Receive): Promise<void> {
        const { what } = step;

        switch (what.is) {
            case 'status':
                return this.#receiveStatus(this.#hopOf(step), what.status);
            case 'header': {
                const hop = this.#hopOf(step);
                await this.stage.until(
                    () => hop.status ?? hop.ended,
                    () => this.gaveUp('no answer'),
                );
                return this.compare(what.value, hop.headers[what.name]);
            }
            case 'body': {
                const hop = this.#hopOf(step);
                await this.stage.until(
                    () => hop.ended,
                    () => this.gaveUp(describeHop(hop)),
                );
                this.compare(what.value, hop.text.trim());
                hop.queue = [];
                return;
            }
            case 'end':
            case 'cut': {
                const hop = this.#hopOf(step);
                const ended = await this.stage.until(
                    () => hop.ended,
                    () => this.gaveUp(describeHop(hop)),
                );
                if (ended !== what.is || unspoken(hop).length > 0) this.fails(describeHop(hop));
                return;
            }
            case 'event':
                return this.#receiveItem(step, (hop) =>
                    hop.queue[0]?.event !== undefined && hop.queue[0].message === undefined ? hop.queue[0] : undefined,
                );
            case 'method':
                return this.#receiveItem(step, (hop) => firstUnless(hop, isResponse));
            case 'result':
            case 'error': {
                const asked = this.takeAsked(this.mine, step.label);
                await this.#receiveItem(step, (hop) => this.#answerIn(hop, asked.id), asked.way);
                return;
            }
            default:
                return this.fails('a client receives no such thing');
        }
    }

    #hopOf(step: Receive): Hop {
        const label = step.on ?? step.label;
        return label !== undefined ? this.way(label) : (this.#hops.at(-1) ?? this.fails('nothing was sent so far'));
    }

    async #receiveStatus(hop: Hop, wanted: string): Promise<void> {
        const status = await this.stage.until(
            () => hop.status ?? (hop.ended && 0),
            () => this.gaveUp('no answer'),
        );
        const matches = wanted.endsWith('xx') ? String(status)[0] === wanted[0] : String(status) === wanted;

        hop.statusIsSpoken = true;
        if (!matches) {
            await this.stage
                .until(
                    () => hop.ended,
                    () => this.gaveUp(describeHop(hop)),
                    500,
                )
                .catch(() => {});
            this.fails(describeHop(hop));
        }
        if (status >= 400)
            /* its body is told by `< error` or `< body`, or doesn't matter */
            await this.stage.until(
                () => hop.ended,
                () => this.gaveUp(describeHop(hop)),
            );
    }

    /** Takes the first item in time that `pick` finds, on the stream of the line if it names one. */
    async #receiveItem(step: Step & Receive, pick: (hop: Hop) => Item | undefined, expectedOn?: Hop): Promise<void> {
        const only = step.on === undefined ? undefined : this.way(step.on);
        const { hop, item } = await this.stage.until(
            () => {
                const found = (only ? [only] : this.#hops)
                    .flatMap((each) => ({ hop: each, item: pick(each) }))
                    .filter((each) => each.item !== undefined)
                    .sort((a, b) => a.item!.at - b.item!.at)[0];
                if (found === undefined && expectedOn !== undefined && only === undefined) this.#checkAlive(expectedOn);
                return found;
            },
            () => this.gaveUp(),
        );

        if (hop.status! >= 300 && !hop.statusIsSpoken) this.fails(describeHop(hop));
        if (step.event !== undefined) this.compare(step.event, item!.event);
        hop.queue.splice(hop.queue.indexOf(item!), 1);
        if (step.what.is !== 'event')
            this.check(step.what as never, item!.message!, hop, isRequest(item!.message!) ? step.label : undefined);
    }

    /** An answer that can't come any more is told at once. */
    #checkAlive(hop: Hop): void {
        const resumable = this.#hops.some((each) => each.ended === undefined);
        if (hop.ended && (hop.status === undefined || hop.status >= 300 || !resumable)) this.fails(describeHop(hop));
    }

    #answerIn(hop: Hop, id: Id): Item | undefined {
        const item = hop.queue.find((each) => each.message && isResponse(each.message) && each.message.id === id);
        const before = item && hop.queue.find((each) => each.at < item.at && each.message && !isResponse(each.message));

        if (before) this.fails(`first ${show(before.message)}`);
        return item;
    }

    override async act(step: Step): Promise<void> {
        if (step.do !== 'hang up') this.fails('a client can not do this');
        const hop = step.label === undefined ? this.#hops.at(-1) : this.way(step.label);
        hop?.request?.destroy();
        /* one with a label may be answered on another stream */
        if (hop) this.mine = this.mine.filter((asked) => asked.way !== hop || asked.label !== undefined);
    }

    /** How each request went that this client made: for those who judge a run that was disturbed. */
    outcomes(): Outcome[] {
        return this.#hops.map((hop) => ({
            stays: hop.stays,
            listens: hop.listens,
            status: hop.status,
            ended: hop.ended,
            isError: (hop.status ?? 0) >= 400 || hop.ended === 'cut' || /"error":\s*\{/.test(hop.text),
            text: describeHop(hop),
        }));
    }

    #isCancelled(hop: Hop): boolean {
        return [...this.#cancelled].some((id) => this.#answers.get(id) === hop);
    }

    override leftOver(): string | undefined {
        const awaited = this.#hops.filter((hop) => !this.#isCancelled(hop));
        const left = awaited.filter((hop) => !(hop.statusIsSpoken && hop.status! >= 300)).flatMap(unspoken);
        const refused = awaited.find((hop) => hop.status! >= 400 && !hop.statusIsSpoken);

        return this.describe(left.map((item) => item.message!)) ?? (refused && describeHop(refused));
    }
}

function unspoken(hop: Hop): Item[] {
    return hop.queue.filter((item) => item.message !== undefined);
}

/** The first message of a hop, if it is not of the kind that `isOther` tells. */
function firstUnless(hop: Hop, isOther: (message: Message) => boolean): Item | undefined {
    const first = hop.queue.find((item) => item.message !== undefined);
    return first && !isOther(first.message!) ? first : undefined;
}

function parseMessages(text: string): Message[] {
    try {
        const parsed = JSON.parse(text);
        return (Array.isArray(parsed) ? parsed : [parsed]).filter((each) => each?.jsonrpc === '2.0');
    } catch {
        return [];
    }
}

function describeHop(hop: Hop): string {
    const status = hop.status === undefined ? 'no HTTP answer' : `HTTP ${hop.status}`;
    const text = hop.text.trim().slice(0, 300).replaceAll('\n', '\\n');
    return `${status}${text && ` ${text}`}${hop.ended === 'cut' ? ' (cut)' : ''}`;
}
