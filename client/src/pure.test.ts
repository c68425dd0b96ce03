// What calls itself pure is held to it by the tools: the compiler gives it no browser, the linter neither clock nor dice.

import { expect, test } from 'vitest';

const SOURCES = import.meta.glob<string>(['./**/*.ts', './**/*.tsx', '!./**/*.test.*'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const TOOLS = import.meta.glob<string>(['../biome.json', '../tsconfig.pure.json'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Folders that are pure as a whole. */
const FOLDERS = ['src/core/machine', 'src/words'];

const named = Object.entries(SOURCES)
  .filter(([, source]) => /\bPure\./.test(source.split('\n\n')[0] ?? ''))
  .map(([path]) => path.replace('./', 'src/'))
  .filter((path) => !FOLDERS.some((folder) => path.startsWith(`${folder}/`)));

test.each([...FOLDERS, ...named])('%s', (path) => {
  const lists = [
    read('../tsconfig.pure.json').include,
    ...read('../biome.json').overrides.map(({ includes }) => includes),
    ...read('../biome.json').plugins.map(({ includes }) => includes),
  ].filter((list) => list.some((one) => one.includes('operator/scale.ts')));
  expect(lists).toHaveLength(3);
  for (const list of lists) expect(list.some((one) => one.includes(path))).toBe(true);
});

interface Listed {
  readonly includes: readonly string[];
}

function read(path: string): {
  readonly include: readonly string[];
  readonly overrides: readonly Listed[];
  readonly plugins: readonly Listed[];
} {
  return JSON.parse(TOOLS[path] ?? '');
}
