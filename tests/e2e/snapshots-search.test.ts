// search_snapshots through an official client: by word, beginning and phrase, in the writing of several languages, and with
// queries that are none. What is found is named by its number, the best first.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { ask, idsOf, Person } from './snapshots.ts';
import type { Client, Message } from './snapshots.ts';

const found = async (client: Client, query: string, more: Message = {}): Promise<number[]> => {
    const { text, failed } = await ask(client, 'search_snapshots', { query, ...more });
    equal(failed, false, `${query}: ${text}`);
    return idsOf(text);
};
const sorted = (ids: number[]) => [...ids].sort((a, b) => a - b);

/** What each is found by stands in one of them only, unless a row below says so. Numbers are given in this order. */
const library: Message[] = [
    { summary: 'The harbour wall', context: 'Granite blocks, poured concrete, a lighthouse at its end', name: 'harbour' }, // 1
    { summary: 'Lighthouses of the north', context: 'Forty of them; the keeper counts concrete steps', tags: ['coast'] }, // 2
    { summary: 'Straßenbahn', context: 'Die Größe der Übergänge in Zürich', next_steps: 'Älteste Gleise prüfen' }, // 3
    { summary: 'Café', context: 'crème brûlée, à la carte, cœur', project: 'naïve' }, // 4: composed letters
    { summary: 'jalapen\u0303o', context: 'pin\u0303ata' }, // 5: letters and their marks apart
    { summary: 'Σίσυφος', context: 'ὁ λόγος ΟΔΥΣΣΕΎΣ' }, // 6
    { summary: 'Ёлка и метель', context: 'ПРИВЕТ мир' }, // 7
    { summary: '東京の天気', context: '明日は晴れのち曇りでしょう' }, // 8: no blanks between words
    { summary: '上海的港口', context: '今天下午三点有一艘大船进港' }, // 9
    { summary: '한국어 검색', context: '스냅샷을 저장했습니다' }, // 10
    { summary: 'สวัสดีชาวโลก', context: 'ภาษาไทยไม่มีช่องว่าง' }, // 11
    { summary: 'שלום עולם', context: 'ספינה בנמל' }, // 12
    { summary: 'مرحبا بالعالم', context: 'سفينة في الميناء' }, // 13
    { summary: 'नमस्ते दुनिया', context: 'जहाज बंदरगाह में है' }, // 14
    { summary: 'İSTANBUL', context: 'ılık çay' }, // 15
    { summary: 'src/http/server.c', context: 'http_server_close() in server.c:217; see RFC 9110 and error E_PIPE' }, // 16
    { summary: 'ＦＵＬＬｗｉｄｔｈ', context: 'ｶﾀｶﾅ' }, // 17
    { summary: 'Structured', context: { files: ['deck/anchor.rs'], decisions: ['Chain over rope'], weather: { wind: 'gale' } } }, // 18
    { summary: 'Tiếng Việt', context: 'Đà Nẵng có cảng biển' }, // 19
    { summary: 'Emoji 🚀 launch', context: 'the 🌍 turns' }, // 20
];

const rows: [what: string, query: string, ids: number[]][] = [
    ['a word', 'granite', [1]],
    ['a word of the summary', 'wall', [1]],
    ['a word of the next steps', 'Gleise', [3]],
    ['a name', 'harbour', [1]],
    ['a tag', 'coast', [2]],
    ['a project', 'naive', [4]],
    ['a word that is in two', 'concrete', [1, 2]],
    ['a whole word, not its beginning', 'gran', []],
    ['all words, wherever they are', 'lighthouse granite', [1]],
    ['all words, one of them nowhere', 'granite zeppelin', []],
    ['nothing', 'zeppelin', []],

    ['a beginning', 'lighthou*', [1, 2]],
    ['a beginning that is the whole', 'granite*', [1]],
    ['two beginnings', 'gra* conc*', [1]],

    ['a phrase', '"poured concrete"', [1]],
    ['a phrase in another order', '"concrete poured"', []],
    ['a phrase and a word', '"poured concrete" lighthouse', [1]],
    ['a phrase over the end of a part', '"wall granite"', []],
    ['without a word', 'concrete -granite', [2]],
    ['one or the other', 'granite OR Gleise', [1, 3]],

    ['capitals are the same', 'GRANITE', [1]],
    ['capitals beyond ASCII', 'ÜBERGÄNGE', [3]],
    ['without the dots', 'ubergange', [3]],
    ['with an accent that is not there', 'grânite', [1]],
    ['without accents', 'creme brulee', [4]],
    ['composed, asked apart', 'cafe\u0301', [4]],
    ['apart, asked composed', 'jalapeño', [5]],
    ['apart, asked without', 'pinata', [5]],
    ['Greek capitals', 'ΣΊΣΥΦΟΣ', [6]],
    ['Greek without accents', 'σισυφος', [6]],
    ['Greek small letters of a capital word', 'οδυσσευς', [6]],
    ['Cyrillic', 'привет', [7]],
    ['Cyrillic capitals', 'МЕТЕЛЬ', [7]],
    ['Cyrillic beginning', 'мет*', [7]],
    ['Japanese inside a sentence', '天気', [8]],
    ['Japanese, three signs', '明日は', [8]],
    ['Chinese inside a sentence', '大船', [9]],
    ['Chinese, one sign', '港', [9]],
    ['Korean with its ending', '스냅샷을', [10]],
    ['Korean without its ending', '스냅샷', [10]],
    ['Thai inside a sentence', 'ไทย', [11]],
    ['Hebrew', 'שלום', [12]],
    ['Arabic', 'سفينة', [13]],
    ['Devanagari', 'जहाज', [14]],
    ['Turkish', 'istanbul', [15]],
    ['Vietnamese without marks', 'tieng viet', [19]],
    ['Vietnamese with marks', 'Nẵng', [19]],

    ['a file', 'server.c', [16]],
    ['a path', 'src/http', [16]],
    ['a function', 'http_server_close', [16]],
    ['a number', '9110', [16]],
    ['inside a structured context', 'anchor.rs', [18]],
    ['deep inside a structured context', 'gale', [18]],
]; // prettier-ignore

test('search finds by word, beginning and phrase, in many languages', { timeout: 120000 }, async (t) => {
    const client = await new Person(t).client('HTTP', 'client 2.4.0');
    for (const [i, given] of library.entries()) match((await ask(client, 'save_snapshot', given)).text, new RegExp(`^Saved snapshot #${i + 1}\\b`));

    const wrong = [];
    for (const [what, query, ids] of rows) {
        const now = sorted(await found(client, query));
        if (String(now) !== String(ids)) wrong.push({ what, query, ids, now });
    }
    deepEqual(wrong, []);
});

test('what reads as no query is words, and never an error of the database', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    await ask(client, 'save_snapshot', { summary: 'NEAR the quay', context: 'and OR not summary:x', name: 'sql' });

    for (const query of [
        '"', '"unclosed', 'quay"', '""', '"" quay', '*', '**', 'quay**', '* quay', '-', '--', '-quay -', '(', ')', '(quay', 'quay)', '()', 'NEAR(',
        'NEAR(quay, 3)', 'quay NEAR the', 'AND', 'OR', 'NOT', 'OR quay', 'quay OR', 'quay AND', 'NOT quay', 'AND OR NOT', 'summary:quay', 'nosuch:quay',
        '{summary context}: quay', '^quay', 'quay + the', "' or 1=1 --", "'; drop table snapshots; --", '%', '_', '\\', '%quay%', '\u00ad', '…', '!!!',
        '🚀', 'a'.repeat(1000), 'a '.repeat(400), '"a '.repeat(300), '('.repeat(500), '-'.repeat(500), '*'.repeat(500), 'x OR '.repeat(150),
    ]) {
        const { text, failed } = await ask(client, 'search_snapshots', { query });
        ok(!/fts5|sqlite|syntax error|no such|malformed/i.test(text), `${query}: ${text}`);
        ok(!failed || !/internal/i.test(text), `${query}: ${text}`);
    }
    deepEqual(await found(client, 'summary:x'), [1]); // as it stands there
    deepEqual(await found(client, 'near'), [1]);
    deepEqual(await found(client, '(quay'), [1]);
    deepEqual(await found(client, "quay'"), [1]);
});

test('the best is first, and what was found is marked', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    const filler = 'sails and ropes and tar and planks. '.repeat(200);
    const saved: Message[] = [
        { summary: 'Stores', context: `${filler} A compass lies there. ${filler}` }, // 1: once, in much text
        { summary: 'The compass', context: 'compass, compass and again compass' }, // 2: everywhere
        { summary: 'Charts', context: 'A compass, and charts' }, // 3
        { summary: 'Charts too', context: 'A compass, and charts', importance: 5 }, // 4: as 3, but it matters more
    ];
    for (const each of saved) await ask(client, 'save_snapshot', each);

    const ids = await found(client, 'compass');
    deepEqual(sorted(ids), [1, 2, 3, 4]);
    equal(ids[0], 2, `the best is first: ${ids}`);
    ok(ids.indexOf(4) < ids.indexOf(3), `what matters is before what is like it: ${ids}`);
    equal(ids[3], 1, `once in much text is last: ${ids}`);
    deepEqual(await found(client, 'compass', { limit: 2 }), ids.slice(0, 2));

    const { text, result } = await ask(client, 'search_snapshots', { query: 'COMPASS' });
    match(text, /\*\*compass\*\*/); // marked, as it stands there
    ok(text.length < 2000, `the place, not the whole text: ${text.length}`);
    ok(!/[\x02\x03]/.test(JSON.stringify(result)), 'marks are none that control a terminal');
});

test('a search is bounded by project, tag and time, and leaves out what is in the bin', { timeout: 60000 }, async (t) => {
    const client = await new Person(t).client('HTTP');
    await ask(client, 'save_snapshot', { summary: 'rope one', context: 'c', project: 'brig', tags: ['deck', 'old'] });
    await ask(client, 'save_snapshot', { summary: 'rope two', context: 'c', project: 'sloop', tags: ['deck'] });
    await ask(client, 'save_snapshot', { summary: 'rope three', context: 'c' });

    deepEqual(sorted(await found(client, 'rope')), [1, 2, 3]);
    deepEqual(await found(client, 'rope', { project: 'brig' }), [1]);
    deepEqual(sorted(await found(client, 'rope', { tag: 'deck' })), [1, 2]);
    deepEqual(await found(client, 'rope', { tag: 'deck', project: 'sloop' }), [2]);
    await ask(client, 'delete_snapshot', { id: 2 });
    deepEqual(sorted(await found(client, 'rope')), [1, 3]);
    await ask(client, 'restore_snapshot', { id: 2 });
    deepEqual(sorted(await found(client, 'rope')), [1, 2, 3]);
    await ask(client, 'update_snapshot', { id: 2, summary: 'cable two' });
    deepEqual(sorted(await found(client, 'rope')), [1, 3]); // of versions the newest is found
    deepEqual(await found(client, 'cable'), [2]);
});
