// Sessions of a service in Gatehouse itself, left in every way: nothing is left of them inside, no descriptor more than
// before is open, and the memory is what it was.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, House, house, until } from '../e2e/harness.ts';
import { Visitor, atRest, objects, settledKiB } from './sessions.ts';

const LONG = process.env.TEST_LONG !== undefined && process.env.TEST_LONG !== '';
const IDLE_MS = 2000;
const MORE_THAN_IDLE_MS = IDLE_MS + 1500;
const AT_ONCE = 40;
const TIMES = LONG ? 200 : 12; // each way in a round
const ROUNDS = 3; // the first one warms up
const REST_LIMIT_MS = 30000;
const SESSIONS_MOST = 1000;
const NO_MARK = 'none'; // there are no processes to be marked

const visit = (gatehouse: House) => new Visitor(`http://127.0.0.1:${gatehouse.port}/gateway/mcp`, { authorization: `Bearer ${gatehouse.token}` });

/** A call under way when this returns: nobody waits for it. */
function call(visitor: Visitor): void {
    visitor.request('tools/call', { name: 'search_records', arguments: { limit: 1000 } }).catch(() => {});
}

async function listen(visitor: Visitor, after?: string) {
    const { done } = await visitor.listen(after);
    done.catch(() => {});
    return { done };
}

type Way = (visitor: Visitor) => Promise<unknown>;

const ways: Record<string, Way> = {
    async 'deleted'(visitor) {
        await visitor.open();
        match((await visitor.request('tools/list')).text, /list_servers/);
        equal((await visitor.delete()).status, 200);
        equal((await visitor.delete()).status, 404);
        equal((await visitor.request('tools/list')).status, 404);
    },
    async 'deleted while it listens'(visitor) {
        const { done } = await listen(await visitor.open());
        equal((await visitor.delete()).status, 200);
        equal((await done).status, 200);
    },
    async 'deleted while calls run'(visitor) {
        await visitor.open();
        for (let i = 0; i < 5; i++) call(visitor);
        equal((await visitor.delete()).status, 200);
    },
    async 'silent'(visitor) {
        await visitor.open();
        match((await visitor.request('tools/call', { name: 'list_servers', arguments: {} })).text, /No servers yet|servers/);
        await sleep(MORE_THAN_IDLE_MS);
        equal((await visitor.request('tools/list')).status, 404);
    },
    async 'silent before it was open'(visitor) {
        equal((await visitor.knock()).status, 200);
    },
    async 'refused before it was open'(visitor) {
        equal((await visitor.request('initialize', {})).status, 400);
        equal((await visitor.request('tools/list')).status, 400);
    },
    async 'cut while it opens'(visitor) {
        visitor.knock().catch(() => {});
        await sleep(3 * Math.random());
        visitor.cut();
    },
    async 'cut while calls run'(visitor) {
        await visitor.open();
        for (let i = 0; i < 5; i++) call(visitor);
        await sleep(3 * Math.random());
        visitor.cut();
    },
    async 'cut while it listens'(visitor) {
        await listen(await visitor.open());
        visitor.cut();
    },
    async 'cut, back for what it missed, and cut again'(visitor) {
        await listen(await visitor.open());
        const id = await until('the first event', 10000, () => /id: ([0-9a-f]+-\S+)/.exec(visitor.heard)?.[1]);
        visitor.cut();
        for (let status = 409; status === 409; await sleep(5)) {
            // it is known to be gone soon
            const again = listen(visitor, id).then(({ done }) => Promise.race([done, sleep(50, { status: 200 })]));
            status = (await again).status;
        }
        visitor.cut();
    },
    async 'cancelled'(visitor) {
        await visitor.open();
        call(visitor);
        for (let i = 0; i < 4; i++) equal((await visitor.notify('notifications/cancelled', { requestId: `n-${i}` })).status, 202);
    },
    async 'without a session'(visitor) {
        equal((await visitor.modern('tools/call', { name: 'list_servers', arguments: {} })).status, 200);
    },
    async 'without a session, gone while a call runs'(visitor) {
        visitor.modern('tools/call', { name: 'search_records', arguments: {} }).catch(() => {});
        await sleep(3 * Math.random());
        visitor.cut();
    },
    async 'without a session, gone while it listens'(visitor) {
        await new Promise<void>((resolve, reject) => {
            visitor.modern('subscriptions/listen', { notifications: { toolsListChanged: true } }, resolve).catch(reject);
        });
        visitor.cut();
    },
};

/** Each way some times, some at a time; what went wrong. */
async function round(gatehouse: House): Promise<string[]> {
    const errands = Array.from({ length: TIMES }, () => Object.entries(ways)).flat();
    const wrong: string[] = [];

    await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
            for (let errand = errands.pop(); errand !== undefined; errand = errands.pop()) {
                const visitor = visit(gatehouse);
                const [what, way] = errand;
                await way(visitor).catch((error) => wrong.push(`${what}: ${error.message}`));
                visitor.cut();
            }
        }),
    );
    return wrong;
}

test('sessions of a service left in every way leave nothing behind, and the memory is what it was', { timeout: LONG ? 1200000 : 240000 }, async (t) => {
    const gatehouse = await house(t, {}, { GATEHOUSE_SESSION_IDLE: `${IDLE_MS}ms` });
    const kiB: number[] = [];
    let most = Infinity; // descriptors, once each way was gone
    await gatehouse.settled();

    for (let i = 1; i <= ROUNDS; i++) {
        deepEqual(await round(gatehouse), []);
        const rest = await atRest(gatehouse, NO_MARK, REST_LIMIT_MS);
        deepEqual(rest.left, {});
        ok(rest.descriptors <= most, `${rest.descriptors} descriptors, ${most} before`);
        if (i === 1) most = rest.descriptors;
        kiB.push(await settledKiB(gatehouse.pid));
        t.diagnostic(`round ${i}: ${TIMES * Object.keys(ways).length} visits; left: ${rest.descriptors} descriptors, ${kiB.at(-1)} KiB`);
    }
    ok(kiB[2]! <= kiB[1]! + 1024, `${kiB.join(', ')} KiB`);
    equal(await gatehouse.stop(), 'exit code 0');
});

test('there are as many sessions as there may be, and room again when some have ended', { timeout: 120000 }, async (t) => {
    const gatehouse = await house(t, {}, { GATEHOUSE_SESSION_IDLE: '60s' });
    const visitors = Array.from({ length: SESSIONS_MOST }, () => visit(gatehouse));
    const late = visit(gatehouse);
    atEnd(t, () => [...visitors, late].forEach((visitor) => visitor.cut()));

    for (let at = 0; at < SESSIONS_MOST; at += 50)
        await Promise.all(
            visitors.slice(at, at + 50).map(async (visitor) => {
                await visitor.open();
                visitor.cut(); // the connection; the session stays
            }),
        );
    equal((await objects(gatehouse))['sessions'], SESSIONS_MOST);
    equal((await late.knock()).status, 503);
    equal((await late.modern('tools/list')).status, 200); // who needs none is not turned away
    equal((await visitors[7]!.delete()).status, 200);
    await late.open();
    equal((await objects(gatehouse))['sessions'], SESSIONS_MOST);
});

test('an end of Gatehouse ends the sessions of its services', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, {});
    const visitors = await Promise.all(Array.from({ length: 20 }, () => visit(gatehouse).open()));
    atEnd(t, () => visitors.forEach((visitor) => visitor.cut()));
    const streams = await Promise.all(visitors.slice(10).map((visitor) => listen(visitor)));

    for (const visitor of visitors.slice(0, 10)) call(visitor);
    equal(await gatehouse.stop(), 'exit code 0');
    await Promise.all(streams.map(({ done }) => done.catch(() => {})));
});
