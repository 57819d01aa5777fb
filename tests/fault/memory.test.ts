// What large messages took goes back to the system: the allocator keeps none of it.

import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { built, house } from '../e2e/harness.ts';
import { Visitor, settledKiB } from './sessions.ts';

const AT_ONCE = 24;
const LARGE = 'x'.repeat(200_000); // each is held a few times: as it came, for the child, for the log
const TIDIED_MS = 30_000; // looked for every five seconds (src/base/heap.h), on a machine that does other things
const MORE_KIB = 8192; // records and buffers that are kept, pages of the log: each with a bound of its own

test('what large messages took goes back to the system', { timeout: 180_000 }, async (t) => {
    const gatehouse = await house(t, { echo: { command: built('bench/echo_stdio') } });
    const visitors = await Promise.all(Array.from({ length: AT_ONCE }, () => new Visitor(gatehouse.url('echo')).open()));
    t.after(() => visitors.forEach((visitor) => visitor.cut()));
    const echo = (text: string) => Promise.all(visitors.map(async (visitor) => equal((await visitor.ask('echo', text)).length, text.length)));

    for (let i = 0; i < 100; i++) await echo('small');
    const before = await settledKiB(gatehouse.pid);
    for (let i = 0; i < 10; i++) {
        await echo(LARGE);
        await echo('small'); // lies behind what was large
    }
    const until = performance.now() + TIDIED_MS;
    let after = await settledKiB(gatehouse.pid);
    const first = after;
    while (after > before + MORE_KIB && performance.now() < until) {
        await sleep(1000);
        after = await settledKiB(gatehouse.pid);
    }
    t.diagnostic(`${before} KiB before, ${first} soon after, ${after} at last`);
    ok(after <= before + MORE_KIB, `${before} KiB before, ${after} after`);
});
