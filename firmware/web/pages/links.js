/** What the links do, and a button for each that tries its saved settings. */

const PERIOD_MS = 3000;
const LOOKS = {
  Connected: ["●", ".good"],
  Connecting: ["○", ""],
  Disconnected: ["⚠", ".warn"],
  Error: ["⚠", ".bad"],
  Disabled: ["○", ".muted"],
};

/** The word of a link's state as people read it. */
export const linkState = ({ t }, state) => t("link." + state, {}, state);

/** Return a card for each link; they stay up to date as long as the page is open. */
export function linkCards(app, mayTest) {
  const { el, t } = app;
  const node = el("div.cards");
  const answers = new Map(); // link: of its last test, null while it runs
  let links = [];
  const show = () => app.draw(node, links.map(card));

  function card(link) {
    const [sign, look] = LOOKS[link.state] || LOOKS.Error;
    const isOff = link.state === "Disabled";
    const facts = [
      [t(link.state === "Connected" ? "links.connected_since" : "links.since"), !isOff && link.since_time],
      [t("links.error"), link.cause && [because(link), el("div.muted", link.failed_time)]],
      [t("links.server"), HAS.server && link.reserve_server && t(link.on_reserve ? "links.reserve" : "links.main")],
      [t("links.sent"), link.sent],
      [t("links.backlog"), link.backlog],
      [t("links.dropped"), link.dropped],
    ].filter(([, value]) => value || value === 0);
    return el(
      "section.card",
      { "data-key": `link${link.link}`, "aria-labelledby": `link${link.link}` },
      el(
        "h2",
        { id: `link${link.link}` },
        `${t("status.mqtt" + link.link + "_state")}: `,
        el("span" + look, `${sign} ${linkState(app, link.state)}`),
      ),
      isOff
        ? el("p.muted", t("links.off"))
        : el(
            "dl.facts",
            facts.map(([label, value]) => [el("dt", label), el("dd", value)]),
          ),
      !isOff && !link.sent && !link.backlog && el("p.hint", t("links.none")),
      mayTest && !isOff && test(link.link),
    );
  }

  function test(number) {
    const answer = answers.get(number);
    return [
      el(
        "div.actions",
        el(
          "button",
          { type: "button", "data-link": number, disabled: [...answers.values()].includes(null), onclick: () => send(number) },
          t("links.test"),
        ),
        el("span.hint", t("links.test_hint")),
      ),
      el(
        "p" + (answer ? (answer.ok ? ".good" : ".bad") : ""),
        { role: "status" },
        answer === null && t("links.testing"),
        answer && [
          `${answer.ok ? "✓" : "✕"} ${because(answer)}`,
          el("small.muted", answer.steps.map((step) => ` ✓\u00a0${step === "name" ? t("links.name") : step.toUpperCase()}`)),
        ],
      ),
    ];
  }

  /** A sentence to act on; the gateway's own where this language has none. */
  function because({ ok, cause, text, steps }) {
    const key = ok ? (steps.includes("mqtt") ? "admitted" : "reached") : cause;
    return t("cause." + key, {}, `${text[0].toUpperCase()}${text.slice(1)}.`);
  }

  async function send(number) {
    answers.set(number, null);
    show();
    app.complain();
    try {
      answers.set(number, await app.api("/api/links/test", { method: "POST", body: { link: number } }));
    } catch (error) {
      answers.delete(number);
      app.complain(error);
    }
    show();
    node.querySelector(`[data-link="${number}"]`)?.focus();
  }

  app.poll(PERIOD_MS, "/api/links", (answer) => {
    links = answer.links;
    show();
  });
  return node;
}
