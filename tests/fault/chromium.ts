// Debian's Chromium, driven through its DevTools protocol over a pipe (--remote-debugging-pipe: JSON, a NUL after each).
// What the tests need of it are four methods, so there is no library between.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';

const ANSWER_MS = 60000;

type Message = { id?: number; sessionId?: string; method?: string; params?: any; result?: any; error?: { message: string } };

export const hasChromium = spawnSync('chromium', ['--version']).status === 0;

// Nothing leaves the machine; names below .localhost are the attacker's, and lead to us. What shields local servers from public
// pages in newer browsers is off: older ones lack it, and our own guard is on trial.
const options = [
    '--headless=new',
    '--remote-debugging-pipe',
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,BlockInsecurePrivateNetworkRequests,HttpsUpgrades',
    '--disable-popup-blocking',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-dev-shm-usage',
    '--disable-gpu',
    '--disable-sync',
    '--no-default-browser-check',
    '--no-first-run',
];

/** A tab: its page's JavaScript can do what that page may, and no more. */
export class Tab {
    #browser: Chromium;
    readonly target: string;
    readonly session: string;

    constructor(browser: Chromium, target: string, session: string) {
        this.#browser = browser;
        this.target = target;
        this.session = session;
    }

    async send(method: string, params: object = {}): Promise<any> {
        return await this.#browser.send(method, params, this.session);
    }

    /** Calls a function in the page with `given`, as after a click; resolves to what it resolves to. */
    async run<Given, Result>(what: (given: Given) => Result | Promise<Result>, given: Given): Promise<Result> {
        const expression = `(${what})(${JSON.stringify(given)})`;
        const answer = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: true });
        if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
        return answer.result.value as Result;
    }

    /** As a person who types it into the address bar; resolves once it has loaded, or could not. */
    async open(url: string): Promise<void> {
        await this.send('Page.enable');
        const loaded = this.#browser.event(this.session, 'Page.loadEventFired');
        const { errorText } = await this.send('Page.navigate', { url });
        if (errorText === undefined) await loaded;
    }

    async close(): Promise<void> {
        await this.#browser.send('Target.closeTarget', { targetId: this.target });
    }
}

export class Chromium {
    #process;
    #profile: string;
    #waiting = new Map<number, (message: Message) => void>();
    #listeners = new Set<(message: Message) => void>();
    #lastId = 0;

    constructor() {
        this.#profile = mkdtempSync(join(tmpdir(), 'gatehouse-chromium-'));
        this.#process = spawn('chromium', [...options, `--user-data-dir=${this.#profile}`, 'about:blank'], {
            stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
        });
        let text = '';
        (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (more) => {
            const messages = (text + more).split('\0');
            text = messages.pop()!;
            for (const message of messages) this.#take(JSON.parse(message));
        });
        (this.#process.stdio[3] as Duplex).on('error', () => {}); // it died: whoever waits is told by time
    }

    #take(message: Message): void {
        if (message.id === undefined) for (const listener of this.#listeners) listener(message);
        else this.#waiting.get(message.id)?.(message);
    }

    async send(method: string, params: object = {}, sessionId?: string): Promise<any> {
        const id = ++this.#lastId;
        return await new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error(`no answer to ${method}`)), ANSWER_MS);
            this.#waiting.set(id, ({ result, error }) => {
                clearTimeout(late);
                this.#waiting.delete(id);
                if (error === undefined) resolve(result);
                else reject(new Error(`${method}: ${error.message}`));
            });
            (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        });
    }

    on(sessionId: string, method: string, take: (params: any) => void): void {
        this.#listeners.add((message) => {
            if (message.sessionId === sessionId && message.method === method) take(message.params);
        });
    }

    async event(sessionId: string, method: string): Promise<any> {
        return await new Promise((resolve) => this.on(sessionId, method, resolve));
    }

    async tab(url = 'about:blank'): Promise<Tab> {
        const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
        const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
        const tab = new Tab(this, targetId, sessionId);

        if (url !== 'about:blank') await tab.open(url);
        return tab;
    }

    /** A tab with a page of ours at any URL, whoever would answer there: as after a name was bound to another address. */
    async tabAs(url: string, html: string): Promise<Tab> {
        const tab = await this.tab();

        this.on(tab.session, 'Fetch.requestPaused', ({ requestId, request }) => {
            const is_it = request.url === url;
            const headers = [{ name: 'content-type', value: 'text/html' }];
            const body = Buffer.from(html).toString('base64');
            if (is_it) void tab.send('Fetch.fulfillRequest', { requestId, responseCode: 200, responseHeaders: headers, body });
            else void tab.send('Fetch.continueRequest', { requestId });
        });
        await tab.send('Fetch.enable', { patterns: [{ urlPattern: url }] });
        await tab.open(url);
        await tab.send('Fetch.disable');
        return tab;
    }

    async end(): Promise<void> {
        const ended = new Promise((resolve) => this.#process.on('close', resolve));
        this.send('Browser.close').catch(() => {});
        const late = setTimeout(() => this.#process.kill('SIGKILL'), 10000);
        await ended;
        clearTimeout(late);
        rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20 });
    }
}
