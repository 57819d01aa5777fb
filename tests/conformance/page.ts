// docs/conformance.md, or another page: each test writes its part of it, between two marks, or finds there what it would write.

import { equal } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../e2e/harness.ts';

export function keepPage(part: string, made: string, name = 'docs/conformance.md'): void {
    const page = join(root, name);
    const [begin, end] = [`<!-- ${part} -->\n`, `<!-- end of ${part} -->\n`];
    const text = readFileSync(page, 'utf8');
    const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];

    if (process.env.GATEHOUSE_WRITE_DOCS !== undefined) writeFileSync(page, `${text.slice(0, from)}\n${made}\n${text.slice(to)}`);
    else equal(text.slice(from, to), `\n${made}\n`, `${name} is not what the test says: run it with GATEHOUSE_WRITE_DOCS=1`);
}
