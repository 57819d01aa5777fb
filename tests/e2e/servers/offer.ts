// What the servers of both SDKs offer, in the same words.

export const STEPS = 3;

const object = (properties: Record<string, { type: string }> = {}) => ({ type: 'object' as const, properties });

export const nameForm = { type: 'object' as const, properties: { name: { type: 'string' as const, title: 'Name' } }, required: ['name'] };

export const tools = [
    { name: 'add', description: 'Adds two numbers.', inputSchema: object({ a: { type: 'number' }, b: { type: 'number' } }) },
    { name: 'ask', description: 'Asks the person for a name.', inputSchema: object() },
    { name: 'think', description: 'Asks the model.', inputSchema: object() },
    { name: 'where', description: 'Asks for the roots.', inputSchema: object() },
    { name: 'count', description: 'Says how far it is.', inputSchema: object() },
];

type Content = { text?: string } | { text?: string }[] | undefined;

export const words = {
    uri: 'note://first',
    note: 'This is the first note.',
    prompt: 'Greet me.',
    question: 'What is your name?',
    thought: 'What do you think?',
    counted: 'Counted.',
    sum: ({ a, b }: Record<string, unknown>) => `The sum is ${Number(a) + Number(b)}.`,
    hello: (content: Record<string, unknown> | undefined) => `Hello, ${content?.['name']}!`,
    said: (content: unknown) => `It said: ${([content].flat() as Content as { text?: string }[])[0]?.text}`,
    roots: (roots: { uri: string }[]) => `Roots: ${roots.map(({ uri }) => uri).join(' ')}`,
};
