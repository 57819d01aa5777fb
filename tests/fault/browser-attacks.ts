/// <reference lib="dom" />
// What a web page may try against a server on its visitor's loopback: these functions run in the page, so each stands
// alone, with nothing from outside it but its argument. They look for a way in as a hostile page does: with all that a
// browser lets a page send, and every event that could tell something of the answer.

export type Given = {
    at: string[]; // addresses of the victim
    redirector: string; // of the attacker; takes `status` and `to`
    session: string; // a live session id, which has leaked
};

/** What the page learnt of one attempt: "read: …" is what it must never say of another origin. */
export type Outcome = { attempt: string; at: string; said: string };

/** By fetch alone, which workers have too. */
export async function attackByFetch({ at, redirector, session }: Given): Promise<Outcome[]> {
    const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'attack' } } });
    const types = ['text/plain', 'application/json', 'application/x-www-form-urlencoded'];
    const requests: [attempt: string, init: RequestInit & { targetAddressSpace?: string }][] = [];

    for (const mode of ['cors', 'no-cors', 'same-origin'] as const) {
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) requests.push([`fetch ${mode} ${method}`, { mode, method }]);
        for (const type of types) requests.push([`fetch ${mode} POST ${type}`, { mode, method: 'POST', body: call, headers: { 'content-type': type } }]);
        requests.push([`fetch ${mode} POST without a type`, { mode, method: 'POST', body: new Blob([call]) }]);
        requests.push([`fetch ${mode} keepalive`, { mode, method: 'POST', body: call, keepalive: true, credentials: 'include' }]);
        requests.push([`fetch ${mode} event-stream`, { mode, headers: { accept: 'text/event-stream' }, credentials: 'include' }]);
    }
    const known = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-session-id': session };
    requests.push(['fetch in a session', { method: 'POST', body: call, headers: known }]);
    requests.push(['fetch the stream of a session', { headers: { accept: 'text/event-stream', 'mcp-session-id': session } }]);
    requests.push(['fetch the end of a session', { method: 'DELETE', headers: { 'mcp-session-id': session } }]);
    requests.push(['fetch with a token', { headers: { authorization: 'Bearer x' } }]);
    requests.push(['fetch of the private network', { method: 'POST', body: call, targetAddressSpace: 'loopback' }]);
    requests.push(['fetch without a referrer', { method: 'POST', body: call, mode: 'no-cors', referrerPolicy: 'no-referrer' }]);

    const attempt = async (name: string, url: string, init: RequestInit, to: string): Promise<Outcome> => {
        try {
            const response = await fetch(url, { signal: AbortSignal.timeout(5000), ...init });
            if (response.type === 'opaque' || response.type === 'opaqueredirect') return { attempt: name, at: to, said: response.type };
            return { attempt: name, at: to, said: `read: ${response.status} ${(await response.text()).slice(0, 200)}` };
        } catch (error) {
            return { attempt: name, at: to, said: (error as Error).name };
        }
    };
    const going: Promise<Outcome>[] = [];
    for (const to of at) {
        const tagged = (name: string) => `${to}?attempt=${encodeURIComponent(name)}`;
        for (const [name, init] of requests) going.push(attempt(name, tagged(name), init, to));
        for (const status of [302, 307, 308])
            for (const mode of ['cors', 'no-cors'] as const) {
                const name = `redirect ${status} ${mode}`;
                const url = `${redirector}?status=${status}&to=${encodeURIComponent(tagged(name))}`;
                going.push(attempt(name, url, { mode, method: 'POST', body: call }, to));
            }
    }
    return await Promise.all(going);
}

/** By everything else that a document can load, send or open. */
export async function attackByDocument({ at }: Given): Promise<Outcome[]> {
    const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'attack' } } });
    const going: Promise<Outcome>[] = [];
    const within = (attempt: string, to: string, begin: (url: string, tell: (said: string) => void) => void) => {
        const url = `${to}?attempt=${encodeURIComponent(attempt)}`;
        going.push(
            new Promise((resolve) => {
                const tell = (said: string) => resolve({ attempt, at: to, said });
                setTimeout(() => tell('silence'), 5000);
                try {
                    begin(url, tell);
                } catch (error) {
                    tell((error as Error).name);
                }
            }),
        );
    };
    const look = (into: Window | null): string => {
        try {
            return `read: ${into!.document.documentElement.outerHTML.slice(0, 200)}`;
        } catch (error) {
            return `load, ${(error as Error).name}`;
        }
    };
    const element = (kind: string, attributes: (url: string) => Record<string, string>, what = kind) => {
        for (const to of at)
            within(what, to, (url, tell) => {
                const it = document.createElement(kind);
                it.onload = () => tell(it instanceof HTMLIFrameElement || it instanceof HTMLObjectElement ? look(it.contentWindow) : 'load');
                it.onerror = () => tell('error');
                it.onloadedmetadata = () => tell('load');
                for (const [name, value] of Object.entries(attributes(url))) it.setAttribute(name, value);
                document.body.append(it);
            });
    };

    for (const kind of ['img', 'script', 'iframe', 'embed', 'video', 'audio']) element(kind, (src) => ({ src }));
    element('script', (src) => ({ src, type: 'module', crossorigin: 'anonymous' }), 'script module');
    element('object', (data) => ({ data, type: 'text/html' }));
    element('input', (src) => ({ src, type: 'image' }));
    element('iframe', (src) => ({ src, sandbox: 'allow-scripts' }), 'iframe sandbox');
    for (const rel of ['stylesheet', 'preload', 'prefetch', 'modulepreload', 'manifest'])
        element('link', (href) => ({ rel, href, ...(rel === 'preload' && { as: 'fetch' }) }), `link ${rel}`);

    const form = (method: string, enctype: string, field: string, value: string) => {
        for (const to of at)
            within(`form ${method} ${enctype}`, to, (url, tell) => {
                const target = `frame-${Math.random()}`;
                const frame = document.createElement('iframe');
                const it = document.createElement('form');
                const input = document.createElement('input');
                frame.name = target;
                document.body.append(frame);
                Object.assign(it, { method, enctype, action: url, target });
                Object.assign(input, { name: field, value });
                it.append(input);
                document.body.append(it);
                frame.onload = () => tell(look(frame.contentWindow));
                it.submit();
            });
    };
    const [before, after] = call.split('attack') as [string, string];
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) form('post', type, `${before}=`, after);
    form('get', 'text/plain', 'attempt', 'form get text/plain'); // its fields take the place of the query

    for (const to of at) {
        for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded', ''])
            within(`sendBeacon ${type}`, to, (url, tell) => tell(String(navigator.sendBeacon(url, new Blob([call], { type })))));
        within('XMLHttpRequest', to, (url, tell) => {
            const it = new XMLHttpRequest();
            it.open('POST', url);
            it.onload = () => tell(`read: ${it.status} ${it.responseText.slice(0, 200)}`);
            it.onerror = () => tell('error');
            it.send(call);
        });
        within('EventSource', to, (url, tell) => {
            const it = new EventSource(url, { withCredentials: true });
            it.onmessage = (event) => tell(`read: ${event.data}`);
            it.onopen = () => setTimeout(() => tell('open'), 1000);
            it.onerror = () => (it.close(), tell('error'));
        });
        within('WebSocket', to, (url, tell) => {
            const it = new WebSocket(url.replace('http', 'ws'), ['mcp']);
            it.onopen = () => tell('open');
            it.onerror = () => tell('error');
        });
        within('import()', to, (url, tell) => void import(url).then(() => tell('load'), () => tell('error')));
        within('Worker', to, (url, tell) => (new Worker(url).onerror = () => tell('error')));
        within('importScripts', to, (url, tell) => {
            const text = `try { importScripts(${JSON.stringify(url)}); postMessage('load') } catch (error) { postMessage(error.name) }`;
            new Worker(URL.createObjectURL(new Blob([text]))).onmessage = ({ data }) => tell(data);
        });
        within('register a service worker', to, (url, tell) => {
            void navigator.serviceWorker.register(url).then(() => tell('load'), (error) => tell(error.name));
        });
        within('style', to, (url, tell) => {
            const it = document.createElement('style');
            it.textContent = `@import "${url}"; @font-face { font-family: f; src: url("${url}") } body { background: url("${url}"); font-family: f }`;
            it.onload = () => tell('load');
            it.onerror = () => tell('error');
            document.body.append(it);
        });
        within('ping', to, (url, tell) => {
            const it = document.createElement('a');
            Object.assign(it, { href: '#', ping: url });
            document.body.append(it);
            it.click();
            tell('sent');
        });
        for (const features of ['popup', 'noopener'])
            within(`open ${features}`, to, (url, tell) => {
                const it = window.open(url, '_blank', features);
                setTimeout(() => (tell(it === null ? 'not ours' : look(it)), it?.close()), 1500);
            });
    }
    const outcomes = await Promise.all(going);
    // What the browser tells of answers of another origin, beside events.
    for (const entry of performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        if (at.some((to) => entry.name.startsWith(to)) && (entry.decodedBodySize > 0 || entry.responseStatus > 0))
            outcomes.push({ attempt: 'timing', at: entry.name, said: `size ${entry.decodedBodySize}, status ${entry.responseStatus}` });
    return outcomes;
}

/** The same fetches from a document of no origin, or from a worker: `way` says which. */
export async function attackFrom({ way, attack, given }: { way: 'sandbox' | 'data' | 'worker' | 'service worker'; attack: string; given: Given }) {
    const program = `(${attack})(${JSON.stringify(given)})`;
    const page = `<script>${program}.then((outcomes) => parent.postMessage(outcomes, '*'))</script>`;

    return await new Promise<Outcome[]>((resolve, reject) => {
        if (way === 'worker') {
            const worker = new Worker(URL.createObjectURL(new Blob([`${program}.then((outcomes) => postMessage(outcomes))`])));
            worker.onmessage = ({ data }) => resolve(data);
        } else if (way === 'service worker') {
            navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
            void navigator.serviceWorker.register('/service-worker.js').then(async () => {
                const { active } = await navigator.serviceWorker.ready;
                active!.postMessage(program);
            }, reject);
        } else {
            const frame = document.createElement('iframe');
            if (way === 'sandbox') Object.assign(frame, { sandbox: 'allow-scripts allow-forms', srcdoc: page });
            else frame.src = `data:text/html,${encodeURIComponent(page)}`;
            window.onmessage = ({ data }) => resolve(data);
            document.body.append(frame);
        }
    });
}
