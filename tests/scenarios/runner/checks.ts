// The lines that begin with `then`: what Gatehouse recorded, and says of itself.

import type { Check, Wanted } from './scenario.ts';
import type { Gatehouse, Row } from './gatehouse.ts';
import { Failure } from './stage.ts';

const KINDS = ['request', 'notification', 'reply', 'stream', 'delete'];
const TRY_FOR_MS = 3000; // records are written behind the calls

/** Asks again until the line holds; the last difference is the failure. What must not be there is for the end to tell. */
export async function holds(check: Check, gatehouse: Gatehouse): Promise<void> {
    const giveUpAt = Date.now() + TRY_FOR_MS;

    while (!(check.of === 'captured' && check.count === 0)) {
        const got = await difference(check, gatehouse).catch((error) => `${error.stderr || error.message}`.trim());
        if (got === undefined) return;
        if (Date.now() > giveUpAt) throw new Failure(check.line, check.text, got);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** Gatehouse has ended and written all it had to: the record is still the same. */
export async function stillHolds(check: Check, gatehouse: Gatehouse): Promise<void> {
    if (check.of !== 'captured') return;
    const got = await difference(check, gatehouse);
    if (got !== undefined) throw new Failure(check.line, `${check.text}, also after the end`, got);
}

/** What is other than the line says; undefined when it holds. */
export async function difference(check: Check, gatehouse: Gatehouse): Promise<string | undefined> {
    if (check.of === 'status') {
        const said = await gatehouse.status();
        return said.includes(check.says) ? undefined : said.trim().replaceAll('\n', ' | ');
    }
    const rows = await gatehouse.rows(conditions(check));
    if (rows.length !== check.count) return `${rows.length}: ${JSON.stringify(rows)}`;

    for (const row of rows) {
        const differs = rowDiffers(row, check.wanted);
        if (differs !== undefined) return `${differs} in ${JSON.stringify(row)}`;
        if (check.wanted.messages !== undefined) {
            const messages = await gatehouse.messages(row.id);
            if (messages.length !== check.wanted.messages)
                return `${messages.length} messages: ${JSON.stringify(messages)}`;
        }
    }
    return undefined;
}

function conditions(check: Check & { of: 'captured' }): string {
    const what = KINDS.includes(check.what) ? `kind = '${check.what}'` : `method = '${check.what}'`;
    const who = `client IS ${check.byUs ? '' : 'NOT '}'gatehouse'`; /* a bridged call is on record as each side saw it */
    return [what, who, ...(check.server === undefined ? [] : [`server = '${check.server}'`])].join(' AND ');
}

function rowDiffers(row: Row, wanted: Wanted): string | undefined {
    const pairs: [string, unknown, unknown][] = [
        ['outcome', wanted.outcome, row.outcome],
        ['kind', wanted.kind, row.kind],
        ['target', wanted.target, row.target],
        ['code', wanted.code, row.error_code],
        ['status', wanted.status, row.http_status],
    ];
    const differing = pairs.find(([, expected, got]) => expected !== undefined && expected !== got);
    return differing && `${differing[0]} ${differing[2]}`;
}
