/**
 * The page shell: session, texts, theme, routes, and the helpers that every page gets as `app`.
 *
 * A page is pages/<name>.js. Its default function `mount(view, app)` fills `view` and may return what is to be called when
 * the page is left. All nodes are made by el(), so a text from a device or a user never becomes markup.
 * tools/web.py makes one script of them all and puts the keys of the texts, one a line, in the place of TEXT_KEYS; what is in an
 * `if (HAS.part)` is left out for boards without that part.
 */

import { PAGES } from "./pages/all.js";
import { restart } from "./pages/restart.js";

const LANGUAGES = { en: "English", tr: "Türkçe" };
const READ_MS = 10000;
const CHANGE_MS = 30000; // the flash may have to be tidied first
const SLOWEST_POLL_MS = 15000;
const SAID_MS = 6000;
const NOBODY = { user: "", must_change: false };

const byId = (id) => document.getElementById(id);

// ---- nodes

/**
 * Make an element: el("button.primary", {type: "button", onclick: f}, "text", node, [more]). The props may be left out; empty
 * props and children are.
 */
function el(tag, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  const props = Object.getPrototypeOf(children[0] ?? "") === Object.prototype ? children.shift() : {};
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/**
 * Make `node` show these children but touch only what differs, so that focus, selection and scrolling stay.
 * Nodes with different data-key are never taken for each other: give one to whatever has listeners of its own.
 */
function draw(node, ...children) {
  merge(node, el("div", children));
}

function merge(old, fresh) {
  const before = [...old.childNodes],
    after = [...fresh.childNodes];
  after.forEach((child, at) => {
    const there = before[at];
    if (!there) old.append(child);
    else if (there.nodeName !== child.nodeName || there.dataset?.key !== child.dataset?.key) there.replaceWith(child);
    else if (child.nodeType === Node.TEXT_NODE) there.data !== child.data && (there.data = child.data);
    else {
      for (const { name } of [...there.attributes]) if (!child.hasAttribute(name)) there.removeAttribute(name);
      for (const { name, value } of child.attributes) if (there.getAttribute(name) !== value) there.setAttribute(name, value);
      merge(there, child);
    }
  });
  before.slice(after.length).forEach((node) => node.remove());
}

// ---- texts and choices that this browser remembers

/** Read, or with a value write, a choice of the user. A browser that keeps nothing is served all the same. */
function remembered(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

const wishes = [remembered("language"), ...navigator.languages.map((tag) => tag.slice(0, 2))];
const language = wishes.find((code) => code in LANGUAGES) || "en";
const decimalSign = (0.5).toLocaleString(language)[1];
let texts = {};

/** The text of a key, {name} replaced by values.name; without such a text `otherwise` (the key). */
function t(key, values = {}, otherwise = key) {
  return (texts[key] || otherwise).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A sentence of the gateway in the user's language, as far as the table has it: # in its key stands for a number. */
function sentence(text) {
  const numbers = text.match(/\d+/g) || [];
  return (texts["say." + text.replace(/\d+/g, "#")] || text).replace(/#/g, () => numbers.shift());
}

/** A number as the gateway writes it, with this language's decimal sign. */
const number = (text) => text.replace(".", decimalSign);

/** Seconds as "47 s", "12 min", "3 h". */
function span(seconds) {
  if (seconds < 120) return t("span.s", { n: seconds });
  return seconds < 7200 ? t("span.min", { n: Math.floor(seconds / 60) }) : t("span.h", { n: Math.floor(seconds / 3600) });
}

const darkWished = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (remembered("theme") || (darkWished.matches ? "dark" : "light")) === "dark";

/** Charts, which cannot follow by style alone, listen for the event. */
function showTheme() {
  document.documentElement.style.colorScheme = remembered("theme") || "light dark";
  byId("theme").textContent = t(isDark() ? "theme.light" : "theme.dark");
  document.dispatchEvent(new Event("theme"));
}

// ---- messages

let saidTimer = 0;

/** Tell that something went well. */
function say(text) {
  byId("said").textContent = text;
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => byId("said").replaceChildren(), SAID_MS);
}

/** Show what went wrong until the next page or until it is called with nothing. */
function complain(error) {
  if (error?.handled) return;
  byId("alert").textContent = error ? error.message : "";
}

// ---- requests

class ApiError extends Error {
  /** `status`: of the answer, 0 when there was none; `data`: its object. */
  constructor(status, data) {
    super(data.error ? sentence(data.error) : t(status ? "error.status" : "error.offline", { status }));
    this.status = status;
    this.data = data;
  }
}

let lastRequest = Promise.resolve();

/** One request at a time, for the gateway has few connections to give away. Return the answer's object (its text when `raw`). */
function request(path, { method = "GET", body, raw = false } = {}) {
  const send = async () => {
    let response, text;
    try {
      response = await fetch(path, {
        method,
        signal: AbortSignal.timeout(method === "GET" ? READ_MS : CHANGE_MS),
        cache: "no-store",
        ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
      });
      text = await response.text();
    } catch {
      showOffline(true);
      throw new ApiError(0, {});
    }
    showOffline(false);
    if (raw && response.ok) return text;
    let data = {};
    try {
      data = text ? JSON.parse(text) : {};
    } catch {
      // an answer that is no JSON has nothing to say
    }
    if (!response.ok) throw new ApiError(response.status, data);
    return data;
  };
  const answer = lastRequest.then(send);
  lastRequest = answer.catch(() => {});
  return answer;
}

/** As request(); who lacks a login is led to the login page and back. */
async function api(path, options) {
  try {
    return await request(path, options);
  } catch (error) {
    if (error.status !== 403) throw error;
    await refresh(); // tells whose session this still is
    if (HAS.roles && status.session.user && !status.session.must_change) throw error; // the login is there, the right is not
    error.handled = true;
    if (status.session.must_change) location.replace("#/password");
    else askLogin(t(status.session.user ? "login.admin" : "login.needed"));
    throw error;
  }
}

function showOffline(isOffline) {
  const banner = byId("offline");
  if (isOffline && banner.hidden)
    banner.textContent = t("offline", { time: new Date().toTimeString().slice(0, 8) }, "No connection to the gateway");
  banner.hidden = !isOffline;
  document.body.classList.toggle("offline", isOffline);
}

// ---- session and state

let status = { session: NOBODY, devices: [] };
let statusAt = -Infinity;

/** Get /api/status unless what is known is younger. Where reading is closed, nobody has an empty one. */
async function refresh(youngest_ms = 0) {
  if (performance.now() - statusAt < youngest_ms) return;
  try {
    showStatus(await request("/api/status"));
  } catch (error) {
    if (error.status !== 403) throw error;
    showStatus({ session: error.data.session || NOBODY, devices: [], isClosed: true });
  }
}

function showStatus(fresh) {
  if (status.sw_version && fresh.sw_version && fresh.sw_version !== status.sw_version) location.reload(); // its pages may be others
  status = fresh;
  statusAt = performance.now();
  const { user } = status.session;
  byId("model").textContent = [status.model_type, status.serial_number].filter(Boolean).join(" ") || "OpenSG";
  byId("place").textContent = [status.description, status.location].filter(Boolean).join(" · ");
  draw(byId("user"), user ? el("a", { href: "#/password" }, user) : el("a.button", { href: "#/login" }, t("login")));
  byId("logout").hidden = !user;
  if (HAS.profile) byId("nav").querySelector('[href="#/profile"]').hidden = !status.has_profiles;
  const banner = byId("restart");
  banner.hidden = !status.restart_needed;
  draw(
    banner,
    el("span", t("restart.needed")),
    may("write") && el("button", { type: "button", onclick: () => restart(shell) }, t("restart.now")),
  );
}

async function logout() {
  await request("/api/logout", { method: "POST" }).catch(() => {});
  location.reload(); // forgets what the pages know
}

let loginReason = "";
let back = "#/status"; // where the login leads

function askLogin(reason) {
  loginReason = reason;
  location.replace("#/login");
}

// ---- pages

let visit = { isOver: true, stops: [], page: "" };

/**
 * Ask `path` (or what it returns; nothing: not now) again and again, one at a time, while the page is open and to be seen.
 * The first time after `delay_ms`.
 */
function poll(here, period_ms, path, show, delay_ms = 0) {
  let timer, isBusy, hasFailed;
  let wait_ms = period_ms;
  async function turn() {
    clearTimeout(timer);
    if (here.isOver || isBusy || document.hidden) return;
    isBusy = true;
    try {
      const where = typeof path === "function" ? path() : path;
      const answer = where && (await api(where));
      wait_ms = period_ms;
      if (here.isOver || !answer) return;
      if (hasFailed) complain();
      hasFailed = false;
      show(answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      wait_ms = Math.min(2 * wait_ms, Math.max(SLOWEST_POLL_MS, period_ms));
      if (here.isOver || !error.status) return; // without a connection the banner says so
      hasFailed = true;
      complain(error);
    } finally {
      isBusy = false;
      if (!here.isOver) timer = setTimeout(turn, wait_ms);
    }
  }
  document.addEventListener("visibilitychange", turn);
  here.stops.push(() => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", turn);
  });
  if (!here.isOver) timer = setTimeout(turn, delay_ms);
}

async function route() {
  const [page = "", ...rest] = location.hash.replace(/^#\//, "").split("/");
  if (!/^[a-z]+$/.test(page)) return location.replace("#/status");
  if (status.session.must_change && page !== "password") return location.replace("#/password");
  if (status.isClosed && page !== "login" && !status.session.user) return askLogin(t("login.needed"));
  if (page !== "login" && !status.session.must_change) back = location.hash;

  const pageBefore = visit.page;
  visit.isOver = true;
  visit.stops.forEach((stop) => stop());
  const here = (visit = { isOver: false, stops: [], page });
  complain();
  showMenu(false);
  for (const link of byId("nav").querySelectorAll("a")) {
    if (link.hash === "#/" + page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  byId("title").textContent = t("nav." + page);
  document.title = `${t("nav." + page)} - ${status.serial_number || "OpenSG"}`;
  const view = el("div", { id: "view" });
  byId("view").replaceWith(view);
  const app = {
    ...shell,
    back,
    loginReason,
    arg: decodeURIComponent(rest.join("/")),
    poll: (...how) => poll(here, ...how),
    get status() {
      return status;
    },
  };
  if (page !== "login") loginReason = "";
  try {
    const leave = await PAGES[page](view, app);
    if (leave) here.isOver ? leave() : here.stops.push(leave);
    if (!here.isOver) focusPage(view, page, pageBefore);
  } catch (error) {
    if (!here.isOver) complain(error instanceof ApiError ? error : new Error(t("error.page", { page })));
    if (!(error instanceof ApiError)) console.error(error);
  }
}

/** A new page starts at its title; a tab keeps the focus. What the page has focused itself stays, and so does the first page. */
function focusPage(view, page, pageBefore) {
  if (!pageBefore || view.contains(document.activeElement)) return;
  ((page === pageBefore && view.querySelector(".tabs [aria-current]")) || byId("title")).focus();
}

function showMenu(isOpen) {
  byId("menu").setAttribute("aria-expanded", isOpen);
  byId("nav").classList.toggle("open", isOpen);
}

/** Whether who is logged in has a right: the one of a role, or else all that admin has. */
const may = (right) =>
  HAS.roles ? (status.session.rights || "").split(" ").includes(right) : status.session.user === "admin";

/** Whether somebody with this right, or with none, is logged in, perhaps from another tab; if not, the login page opens. */
async function needs(right) {
  const isThere = () => (right ? may(right) : status.session.user !== "");
  if (!isThere()) await refresh();
  const reason = right ? (HAS.roles ? "login.right" : "login.admin") : "login.needed";
  if (!isThere()) askLogin(t(reason, HAS.roles && { right: t("right." + right) }));
  return isThere();
}

/** What all pages get; a visit adds arg, back, loginReason, poll and status. */
const shell = { el, draw, t, sentence, number, span, say, complain, api, request, refresh, showStatus, may, needs, language };

async function start() {
  document.documentElement.lang = language;
  showTheme();
  for (;;) {
    try {
      const [answer] = await Promise.all([fetch(`/text/${language}.txt`), refresh()]);
      if (!answer.ok) throw new Error(answer.statusText);
      const lines = (await answer.text()).split("\n");
      if (lines.at(-1) !== TEXT_KEYS.split("\n").at(-1)) return location.reload(); // the texts of another version
      texts = Object.fromEntries(TEXT_KEYS.split("\n").map((key, at) => [key, lines[at]]));
      break;
    } catch {
      showOffline(true);
      await new Promise((done) => setTimeout(done, 3000));
    }
  }
  showStatus(status);
  showTheme();
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  const option = ([code, name]) => el("option", { value: code, lang: code, selected: code === language }, name);
  byId("language").append(...Object.entries(LANGUAGES).map(option));
  byId("language").addEventListener("change", (event) => {
    remembered("language", event.target.value);
    location.reload();
  });
  byId("theme").addEventListener("click", () => {
    remembered("theme", isDark() ? "light" : "dark");
    showTheme();
  });
  darkWished.addEventListener("change", showTheme);
  byId("logout").addEventListener("click", logout);
  byId("menu").addEventListener("click", () => showMenu(!byId("nav").classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && byId("nav").classList.contains("open")) {
      showMenu(false);
      byId("menu").focus();
    }
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address names the page
    byId("main").focus();
  });
  addEventListener("hashchange", route);
  route();
}

start();
