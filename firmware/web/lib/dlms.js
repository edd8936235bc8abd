/**
 * The DLMS meters: #/dlms lists them, #/dlms/black the black list, #/dlms/network who is in reach by which way, #/dlms/batch
 * takes and gives lists, #/dlms/new adds one, #/dlms/<id> shows one. A script of its own, which boards without such meters
 * have not; `app` has functions of other pages, too. Of a thousand meters never more than a page is here.
 */

import { batchPage } from "./dlms_batch.js";
import { blackPage, listPage } from "./dlms_list.js";
import { addPage, meterPage } from "./dlms_meter.js";
import { networkPage } from "./dlms_network.js";

const STYLE = "/lib/dlms.css";
const TABS = { "": listPage, black: blackPage, network: networkPage, batch: batchPage };
const PAGES = { __proto__: null, ...TABS, new: addPage };

export default async function mount(view, app) {
  const { el, t } = app;
  await styled(el);
  const tab = ([name]) =>
    el("a", { href: "#/dlms" + (name && "/" + name), "aria-current": name === app.arg && "page" }, t("dlms.tab." + (name || "all")));
  view.append(el("nav.tabs", { "aria-label": t("nav.dlms") }, Object.entries(TABS).map(tab)));
  const page = PAGES[app.arg];
  if (page) return page(view, app);
  if (/^\d+$/.test(app.arg)) return meterPage(view, app);
  location.replace("#/dlms");
}

/** Wait until the style of these pages is there. */
function styled(el) {
  if (document.querySelector(`link[href="${STYLE}"]`)) return undefined;
  return new Promise((done) => document.head.append(el("link", { rel: "stylesheet", href: STYLE, onload: done, onerror: done })));
}
