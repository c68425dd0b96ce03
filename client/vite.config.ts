// Owns how the client is bundled. The output has no inline script, style or data: URL, because the
// server's Content-Security-Policy allows none. That a module without `sideEffects` (package.json) is left out where
// nothing of it is used keeps each page's words out of the others.

import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';

const RELAY = 'http://localhost:8080';

export default defineConfig({
  // Relative addresses: the page works in any folder of a site.
  base: './',
  css: {
    // Each class is said in script, style and page: what tells the files apart is their names, and not digests.
    modules: { generateScopedName: (name, file) => `${basename(file, '.module.css')}_${name}` },
  },
  build: {
    outDir: '../relay/web/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // A sentence stands where it is said, and needs no name.
      optimization: { inlineConst: { mode: 'all' } },
      input: ['index.html', 'operator.html', 'check.html', 'rules.html', 'privacy.html'],
      // What two pages have in common is one file: each more is another request in the first load. What the two about this
      // place have in common is no part of that.
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              minShareCount: 2,
              test: (id) => !/src[\\/](about[\\/]|words[\\/]en[\\/]about)/.test(id),
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      '/ws': { target: RELAY, ws: true },
      '/videochat': { target: RELAY },
    },
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    unstubGlobals: true,
  },
});
