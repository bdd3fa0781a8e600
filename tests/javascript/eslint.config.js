// The page's scripts, and the programs that check them.

import js from '@eslint/js';
import globals from 'globals';

const PAGE = 'src/restream/interfaces/static/js';

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-shadow': 'error',
      'prefer-const': 'error',
      'no-var': 'error',
    },
  },
  { files: [`${PAGE}/*.js`], languageOptions: { ecmaVersion: 2022, globals: globals.browser } },
  { files: [`${PAGE}/boot.js`], languageOptions: { sourceType: 'script' } },
  { files: ['tests/javascript/**/*.js'], languageOptions: { globals: globals.node } },
];
