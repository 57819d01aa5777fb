// One end of a conversation, playing its script line by line. What client and server share: names, labels, the ids of
// requests, and the comparing of a message with what is written after `<`.

import { isRequest, isResponse, modernResult, nameOf } from './message.ts';
import type { Id, Message } from './message.ts';
import { isModern } from './plan.ts';
import type { Speaker } from './plan.ts';
import type { Receive, Received, Send, Sent, Step } from './scenario.ts';
import { Failure } from './stage.ts';
import type { Stage } from './stage.ts';
import { fill, mismatch, show } from './value.ts';
import type { Difference, Json, Names, Value } from './value.ts';

/** A request under way, in either direction; `way` is where it travels. */
export type Asked<Way> = { id: Id; label?: string; way?: Way; method: string };

type MessageSent = Extract<Sent, { is: 'method' | 'result' | 'error' }>;
type MessageReceived = Extract<Received, { is: 'method' | 'result' | 'error' }>;

export abstract class Actor<Way> {
    stage: Stage;
    speaker: Speaker;
    names: Names = new Map();
    ways = new Map<string, Way>(); // by label
    mine: Asked<Way>[] = []; // asked by this end, not answered yet
    theirs: Asked<Way>[] = []; // asked of this end, not answered yet
    step: Step | undefined;
    done = false;
    #lastId = 0;

    constructor(stage: Stage, speaker: Speaker) {
        this.stage = stage;
        this.speaker = speaker;
    }

    abstract send(step: Step & Send, next: Step | undefined): Promise<void>;
    abstract receive(step: Step & Receive): Promise<void>;
    abstract act(step: Step): Promise<void>;
    /** What was received and no line of the script speaks of. */
    abstract leftOver(): string | undefined;
    async beforeFirst(): Promise<void> {}

    async play(): Promise<void> {
        let begun = false;

        for (const [i, step] of this.speaker.steps.entries()) {
            this.step = step;
            try {
                if (!begun && step.do !== 'wait' && step.do !== 'signal') {
                    begun = true;
                    await this.beforeFirst();
                }
                await this.#take(step, this.speaker.steps[i + 1]);
            } catch (error) {
                throw error instanceof Failure ? error : new Failure(step.line, step.text, String(error));
            }
        }
        this.step = undefined;
        this.done = true;
        this.checkLeftOver();
    }

    checkLeftOver(): void {
        const left = this.leftOver();
        if (left !== undefined) throw new Failure(this.lastLine(), `nothing more at ${this.speaker.name}`, left);
    }

    lastLine(): number {
        return this.speaker.steps.at(-1)?.line ?? this.speaker.line;
    }

    async #take(step: Step, next: Step | undefined): Promise<void> {
        switch (step.do) {
            case 'signal':
                return this.stage.signal(step.name);
            case 'wait':
                await this.stage.until(
                    () => this.stage.signals.has(step.name) || undefined,
                    () => this.gaveUp(),
                );
                return;
            case 'send':
                return this.send(step, next);
            case 'receive':
                return this.receive(step);
            default:
                return this.act(step);
        }
    }

    gaveUp(got = 'nothing in time'): Failure {
        return new Failure(this.step?.line ?? this.speaker.line, this.step?.text ?? 'an end', this.leftOver() ?? got);
    }

    fails(got: string): never {
        throw new Failure(this.step!.line, this.step!.text, got);
    }

    /** Compares text that is no message: a header, a body. */
    compare(expected: Value, got: string | string[] | undefined): void {
        const differs = mismatch(expected, Array.isArray(got) ? got.join(', ') : got, this.names);
        if (differs !== undefined) this.fails(differs.got);
    }

    way(label: string): Way {
        return this.ways.get(label) ?? this.fails(`no [${label}] so far`);
    }

    mentions(word: string): boolean {
        return this.speaker.steps.some(
            (step) =>
                step.do === 'receive' &&
                (step.what.is === word || (step.what.is === 'method' && step.what.method === word)),
        );
    }

    filled(value: Value | undefined): Json | undefined {
        return value === undefined ? undefined : fill(value, this.names);
    }

    textHeaders(value: Value | undefined): Record<string, string | null> {
        return (this.filled(value) ?? {}) as Record<string, string | null>;
    }

    /** The message that a `>` line stands for; a request is remembered in `mine`, an answer leaves `theirs`. */
    compose(
        what: MessageSent,
        label: string | undefined,
    ): { message: Message; asked?: Asked<Way>; answers?: Asked<Way> } {
        if (what.is === 'method') {
            const params = this.filled(what.params) as Message | undefined;
            const base = { jsonrpc: '2.0', method: what.method };
            if (what.method.startsWith('notifications/'))
                return { message: params === undefined ? base : { ...base, params } };

            const id = (what.id === undefined ? this.#lastId + 1 : this.filled(what.id)) as Id;
            if (typeof id === 'number') this.#lastId = Math.max(this.#lastId, id); /* none is given twice */
            const asked = { id, label, method: what.method };
            this.mine.push(asked);
            return { message: { jsonrpc: '2.0', id, method: what.method, ...(params && { params }) }, asked };
        }
        const answers = this.takeAsked(this.theirs, label);
        const body: Message =
            what.is === 'error'
                ? {
                      error: {
                          code: what.code,
                          message: 'said by the scenario',
                          ...(this.filled(what.more) as Message),
                      },
                  }
                : { result: this.resultOf(answers, this.filled(what.value) as Message) };
        return { message: { jsonrpc: '2.0', id: answers.id, ...body }, answers };
    }

    resultOf(answers: Asked<Way>, result: Message): Message {
        const modern = isModern(this.speaker.revision) && this.speaker.side === 'server';
        return modern ? modernResult(answers.method, result) : result;
    }

    /** The request that an unlabelled answer means is the last one without an answer. */
    takeAsked(asked: Asked<Way>[], label: string | undefined): Asked<Way> {
        const found = asked.findLast((each) => label === undefined || each.label === label);
        if (found === undefined) this.fails(label ? `no request [${label}] is open` : 'no request is open');
        asked.splice(asked.indexOf(found), 1);
        return found;
    }

    /** Compares a message with the line; a request goes on `theirs`. */
    check(what: MessageReceived, message: Message, way: Way | undefined, label: string | undefined): void {
        const differs = this.#difference(what, message);
        if (differs !== undefined) throw new Failure(this.step!.line, differs.expected, differs.got);

        if (isRequest(message))
            this.theirs.push({ id: message.id as Id, label, way, method: message.method as string });
        if (label !== undefined && way !== undefined) this.ways.set(label, way);
    }

    #difference(what: MessageReceived, message: Message): Difference | undefined {
        const wrong = { expected: this.step!.text, got: show(message) };
        const unlike = (value: Value | undefined, got: Json | undefined) => {
            const found = value && mismatch(value, got, this.names);
            return found && { expected: found.expected, got: `${found.got} of ${show(message)}` };
        };

        if (what.is === 'method') {
            if (message.method !== what.method) return wrong;
            return unlike(what.id, message.id) ?? unlike(what.params, message.params ?? {});
        }
        if (!isResponse(message)) return wrong;
        if (what.is === 'result') return 'result' in message ? unlike(what.value, message.result) : wrong;
        if (!('error' in message) || (message.error as Message).code !== what.code) return wrong;
        return unlike(what.more, message.error);
    }

    describe(messages: Message[]): string | undefined {
        if (messages.length === 0) return undefined;
        return messages.map((message) => `${nameOf(message)} ${show(message)}`).join(', ');
    }
}
