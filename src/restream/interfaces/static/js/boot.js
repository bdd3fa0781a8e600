// Runs before the first paint, so that the page never flashes in the wrong theme.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const paint = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem('restream.theme');
    } catch {
      // Storage may be forbidden: the system decides.
    }
    if (chosen !== 'dark' && chosen !== 'light') chosen = null;
    root.dataset.themeChoice = chosen ?? 'system';
    root.dataset.theme = chosen ?? (system.matches ? 'dark' : 'light');
  };
  system.addEventListener('change', paint);
  window.addEventListener('restream:theme', paint);
  paint();
})();

// A script or style that does not come (the network changed) leaves half a page: it is loaded anew, once it can be had.
(() => {
  /** @type {Record<string, string>} */
  const WORDS = {
    en: 'The page could not be loaded completely. Trying again …',
    de: 'Die Seite konnte nicht vollständig geladen werden. Neuer Versuch …',
    ru: 'Страница загрузилась не полностью. Повторяем попытку…',
  };
  const LONGEST_MS = 10_000;
  const script = new URL('static/js/main.js', document.baseURI);
  let broken = false;
  const say = () => {
    const language = navigator.language.slice(0, 2);
    const text = document.createElement('p');
    text.role = 'alert';
    text.className = 'unloaded';
    text.textContent = Object.hasOwn(WORDS, language) ? WORDS[language] : WORDS.en;
    document.body.prepend(text);
  };
  /** @param {number} waitMs */
  const again = async (waitMs) => {
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
    // Away from the network a reload would leave nothing that could try once more.
    const answer = await fetch(script, { cache: 'no-cache' }).catch(() => null);
    if (answer?.ok) location.reload();
    else again(Math.min(LONGEST_MS, waitMs * 2));
  };
  const fail = () => {
    if (broken) return;
    broken = true;
    if (document.body) say();
    else document.addEventListener('DOMContentLoaded', say);
    again(1000);
  };
  const isNeeded = (/** @type {EventTarget | null} */ target) =>
    target instanceof HTMLScriptElement || (target instanceof HTMLLinkElement && target.rel === 'stylesheet');
  window.addEventListener('error', ({ target }) => isNeeded(target) && fail(), true);
  window.addEventListener('restream:unloaded', fail);
})();
