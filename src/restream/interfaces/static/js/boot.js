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
