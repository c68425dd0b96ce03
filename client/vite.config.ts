// Owns how the client is bundled. The output has no inline script, style or data: URL, because the
// server's Content-Security-Policy allows none.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const RELAY = 'http://localhost:8080';

export default defineConfig({
  // Relative addresses: the page works in any folder of a site.
  base: './',
  plugins: [react()],
  build: {
    outDir: '../relay/web/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['index.html', 'operator.html', 'check.html'] },
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
