// A sample of tests/fault/nth: so many n of each kind of call, spread over the paths of scenarios. All n of all:
// tests/fault/nth --all.

import assert from 'node:assert';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { isLong } from '../e2e/harness.ts';
import { playAll } from './nth.ts';
import type { Options } from './nth.ts';

const gatehouse = join(import.meta.dirname, '../../build-asan/gatehouse');
const skip = existsSync(gatehouse) ? false : 'build-asan/gatehouse is not there: script/test fault builds it';

async function survives(options: Partial<Options>): Promise<void> {
    const sample = isLong ? { points: 3, runs: 40 } : { points: 3, runs: 4 };
    const tally = await playAll({ gatehouse, classes: [], only: [], atOnce: 2, patterns: [], verbose: false, ...sample, ...options });

    console.log(`${tally.points} faults in ${tally.runs} runs of scenarios`);
    assert.deepEqual(tally.findings, []);
    assert.ok(tally.points > 0);
}

test('a scenario whose n-th allocation fails ends as written or with an honest error, and passes again', { skip }, () =>
    survives({ classes: ['alloc'] }));

// How many there are differs from run to run, for the store joins what comes together: the first ones are met most.
test('and so with the n-th allocation of the other threads', { skip }, () =>
    survives({ classes: ['alloc-aside'], only: [1, 2, 3, 4] }));

test('and so with the n-th read or write', { skip }, () => survives({ classes: ['read', 'write'] }));

test('and so with the n-th descriptor or process', { skip }, () => survives({ classes: ['descriptor'] }));

test('what is read and written byte by byte, or interrupted, is as written', { skip }, () =>
    survives({ classes: ['short', 'interrupt'] }));
