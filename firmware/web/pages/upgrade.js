/** Which version runs, how an upgrade goes, and starting one; the certificates that the gateway trusts or shows. */

import { certificates } from "./certificates.js";
import { field, form } from "./field.js";

const PERIOD_MS = 1000;
const BUSY = ["connecting", "downloading", "uploading", "waiting", "checking", "restarting"];

export default async function mount(view, app) {
  const { el, t, status } = app;
  const mayChange = app.may("update");
  const card = el("section.card");
  const forms = el("div", { hidden: true });
  const store = el("section.card", el("h2", t("certificates")));
  const choice = el("select", { name: "certificate" });
  let running = ""; // the version when the page was opened
  view.append(card, forms, store);
  app.poll(PERIOD_MS, "/api/upgrade", show);
  if (mayChange) forms.append(byAddress(), byFile());
  if (status.session.user) await certificates(store, app, choose);
  else store.append(el("p", t("certificates.login")), el("div.actions", el("a.button", { href: "#/login" }, t("login"))));

  function show(now) {
    if (running && running !== now.running) return location.reload(); // its pages may be others
    running = now.running;
    const isBusy = BUSY.includes(now.phase);
    const isNew = now.latest.localeCompare(running, "en", { numeric: true }) > 0;
    forms.hidden = !now.possible || isBusy;
    const facts = [
      ["status.model_type", status.model_type],
      ["status.sw_version", running + (now.on_trial ? ` (${t("upgrade.on_trial")})` : "")],
      ["upgrade.latest", now.trouble ? app.sentence(now.trouble) : now.latest || "–"],
      ["upgrade.last", now.last && outcome(now.last)],
    ];
    app.draw(
      card,
      el("h2", t("status.version")),
      el(
        "dl.facts",
        facts.filter(([, value]) => value).map(([key, value]) => [el("dt", t(key)), el("dd", value)]),
      ),
      el("div", { role: "status" }, isBusy ? progress(now) : now.phase === "failed" && el("p.bad", `✕ ${because(now)}`)),
      mayChange &&
        (isBusy
          ? el("div.actions", { "data-key": "busy" }, now.phase !== "restarting" && button("cancel", "DELETE", ""))
          : now.possible &&
            el(
              "div.actions",
              { "data-key": "idle" + isNew },
              isNew && button("upgrade.newest", "POST", ""),
              button("upgrade.check", "POST", "/check"),
            )),
      !now.possible && el("p.note.plain", t("upgrade.impossible")),
    );
  }

  function progress(now) {
    return [
      el("p", t("upgrade." + now.phase, now), now.sentence && `: ${because(now)}`),
      now.total > 0 && el("progress", { max: 100, value: now.percent, "aria-label": t("upgrade.progress") }),
      now.total > 0 && el("p", `${now.version}: ${now.percent} %`),
    ];
  }

  const because = ({ cause, sentence }) => t("fault." + cause, {}, t("cause." + cause, {}, app.sentence(sentence)));
  const outcome = ({ from, to, ok, reason, time }) =>
    `${from} → ${to} (${time}): ${ok ? `✓ ${t("upgrade.ok")}` : `✕ ${t("upgrade.undone")} ${app.sentence(reason)}`}`;

  function button(key, method, path) {
    const ask = async () => {
      try {
        app.complain();
        const answer = await app.api("/api/upgrade" + path, { method });
        if (answer.phase) show(answer);
      } catch (error) {
        app.complain(error);
      }
    };
    return el("button", { type: "button", onclick: ask }, t(key));
  }

  function choose(list) {
    const names = list.filter(({ kind }) => kind === "certificate").map(({ name }) => name);
    const before = choice.value;
    choice.replaceChildren(...["", ...names].map((name) => el("option", { value: name, selected: name === before }, name || "–")));
  }

  function byAddress() {
    const url = el("input", { name: "url", type: "url", placeholder: "https://", autocomplete: "off", spellcheck: "false" });
    const controls = [field(app, t("upgrade.url"), url), field(app, t("upgrade.certificate"), choice, t("upgrade.certificate_hint"))];
    return form(app, t("upgrade.address"), controls, t("upgrade.start"), (values) =>
      app.api("/api/upgrade", { method: "POST", body: values }),
    );
  }

  function byFile() {
    const file = el("input", { type: "file", accept: ".img" });
    return form(app, t("upgrade.file"), [field(app, t("upgrade.image"), file)], t("upgrade.start"), async () => {
      if (!file.files.length) return;
      // Not by app.api(): the page asks meanwhile how it goes, and is told there what was wrong.
      fetch("/api/upgrade/image", { method: "POST", body: file.files[0] }).catch(() => {});
    });
  }
}
