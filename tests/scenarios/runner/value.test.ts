import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, ScenarioError, fill, mismatch, parseValue } from './value.ts';
import type { Json, Names } from './value.ts';

function parse(text: string) {
    const c = new Cursor(text, 1);
    const value = parseValue(c);
    c.end();
    return value;
}

const matches = (pattern: string, got: Json | undefined, names: Names = new Map()) =>
    mismatch(parse(pattern), got, names) === undefined;

test('json reads as json', () => {
    const text = '{"a": [1, -2.5, 1e3, true, null, "x\\n\\u00f8 \\"q\\""], "b": {}, "c": []}';
    assert.deepEqual(fill(parse(text), new Map()), JSON.parse(text));
});

test('an object matches when all that is written is in it', () => {
    assert(matches('{"a": {"b": 1}}', { a: { b: 1, c: 2 }, d: 3 }));
    assert(!matches('{"a": {"b": 1}}', { a: { c: 1 } }));
    assert(!matches('{"a": {}}', { a: [] }));
    assert(!matches('{"toString": {}}', {}));
});

test('a list matches item by item and is as long', () => {
    assert(matches('[1, {"a": 2}]', [1, { a: 2, b: 3 }]));
    assert(!matches('[1]', [1, 2]));
    assert(!matches('[1, 2]', [2, 1]));
});

test('types are kept apart', () => {
    assert(!matches('1', '1'));
    assert(!matches('"1"', 1));
    assert(!matches('null', undefined));
    assert(!matches('false', null));
});

test('a name takes what it finds, then must equal it', () => {
    const names: Names = new Map();
    assert(matches('{"token": $t}', { token: { deep: [1] } }, names));
    assert(matches('$t', { deep: [1] }, names));
    assert(!matches('$t', { deep: ['1'] }, names));
    assert(!matches('{"gone": $u}', {}, names));
    assert.deepEqual(fill(parse('[$t, {"x": $t}]'), names), [{ deep: [1] }, { x: { deep: [1] } }]);
    assert.throws(() => fill(parse('$never'), names), /never received/);
});

test('$_ is anything that is there, absent is nothing, ~ looks inside', () => {
    assert(matches('[$_, $_]', [1, 2]));
    assert(!matches('{"a": $_}', {}));
    assert(matches('{"a": absent}', { b: 1 }));
    assert(!matches('{"a": absent}', { a: null }));
    assert(matches('~"isolated"', 'use sessionMode isolated'));
    assert(!matches('~"isolated"', 7));
});

test('a difference says where', () => {
    assert.deepEqual(mismatch(parse('{"a": [{"b": 1}]}'), { a: [{ b: 2 }] }, new Map()), {
        expected: '1 in .a[0].b',
        got: '2',
    });
});

test('what is no value is refused, with its line', () => {
    for (const text of ['{"a" 1}', '{a: 1}', '[1 2]', '"open', '{"a": 1', "'x'", '1 2', '~1', '"\\x"'])
        assert.throws(
            () => parse(text),
            (error: ScenarioError) => error instanceof ScenarioError && error.line === 1,
            text,
        );
});
