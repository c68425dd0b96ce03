// Owns what is done to the built client before it is served: the first screen is put into the page, and what
// compresses is compressed, as small as can be. The server compresses nothing itself (relay/web/pages.py).

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { firstScreen } from './node_modules/.first_screen/first_screen.js';

const STATIC = fileURLToPath(new URL('../relay/web/static', import.meta.url));
const EMPTY = '<div id="root"></div>';
const COMPRESSES = /\.(html|js|css|svg|txt)$/;

paint(join(STATIC, 'index.html'));
compress(STATIC);

function paint(path) {
  const page = readFileSync(path, 'utf8');
  if (!page.includes(EMPTY)) throw new Error(`${path} has no empty root`);
  writeFileSync(
    path,
    page.replace(EMPTY, () => `<div id="root">${firstScreen()}</div>`),
  );
}

function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!COMPRESSES.test(entry)) continue;
    const path = join(folder, entry);
    const content = readFileSync(path);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
    writeFileSync(`${path}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
  }
}
