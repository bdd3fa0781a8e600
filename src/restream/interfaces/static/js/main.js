// Puts the page together.

import { api, onUnauthorized } from './api.js';
import { Connection } from './connection.js';
import { Store } from './store.js';
import { Route } from './route.js';
import { loadLanguage, t } from './i18n.js';
import { loginForm } from './login.js';
import { loadPanels } from './panels.js';
import { Shell } from './shell.js';
import { startTicking } from './clock.js';

// All take a round trip: they travel together.
const asked = api.session().catch(() => null);
const [panels] = await Promise.all([loadPanels(), loadLanguage()]).catch((problem) => {
  window.dispatchEvent(new Event('restream:unloaded'));
  throw problem;
});
document.title = t('page.title');

const store = new Store();
const route = new Route();
const login = loginForm((done) => (done ? enter() : leaveLogin()));
let asking = false;
/** @type {SignIn[] | undefined} */
let ways;

const connection = new Connection({ store, onState: () => shell.showConnection(), onRefused: askToken });
const shell = new Shell({ store, route, connection, panels, onLogin: () => askToken({ optional: true }), onLogout: logout });

store.subscribe((change) => shell.show(change));
route.subscribe((now, before) => shell.showRoute(now, before));
onUnauthorized(refused);
document.querySelector('#app')?.append(shell.element, login.element);
startTicking();
enter(asked);

/** @param {Promise<Session | null>} answer */
async function enter(answer = api.session().catch(() => null)) {
  const session = await answer;
  ways = session?.sign_in ?? ways;
  if (session?.token_required && !session.authenticated) {
    askToken();
    return;
  }
  leaveLogin();
  shell.showSession(session);
  connection.start();
  shell.begin();
}

/** A session ran out. Where everybody may read, only acting needs the login. */
async function refused() {
  const session = await api.session().catch(() => null);
  if (session && !session.authenticated) askToken({ optional: !session.token_required });
}

function askToken({ optional = false } = {}) {
  if (asking) return;
  asking = true;
  if (!optional) connection.stop();
  shell.element.hidden = true;
  login.show(optional, ways);
}

function leaveLogin() {
  asking = false;
  login.hide();
  shell.element.hidden = false;
}

async function logout() {
  await api.logout().catch(() => {});
  location.reload();
}
