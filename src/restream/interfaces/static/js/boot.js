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
    root.dataset.themeChoice = chosen === 'dark' || chosen === 'light' ? chosen : 'system';
    root.dataset.theme = root.dataset.themeChoice === 'system' ? (system.matches ? 'dark' : 'light') : chosen;
  };
  system.addEventListener('change', paint);
  window.addEventListener('restream:theme', paint);
  paint();
})();
