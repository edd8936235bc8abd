/** All pages, each by its name in the address (#/status): what its module's default function is. */

import backup from "./backup.js";
import counters from "./counters.js";
import diagnostics from "./diagnostics.js";
import dlms from "./dlms.js";
import events from "./events.js";
import graph from "./graph.js";
import iec from "./iec.js";
import login from "./login.js";
import measurements from "./measurements.js";
import password from "./password.js";
import profile from "./profile.js";
import relays from "./relays.js";
import reset from "./reset.js";
import restart from "./restart.js";
import settings from "./settings.js";
import status from "./status.js";
import upgrade from "./upgrade.js";
import users from "./users.js";

export const PAGES = {
  __proto__: null, // no other names than these
  backup,
  counters,
  diagnostics,
  ...(HAS.dlms && { dlms }),
  events,
  graph,
  ...(HAS.iec62056 && { iec }),
  login,
  measurements,
  password,
  ...(HAS.profile && { profile }),
  relays,
  reset,
  restart,
  settings,
  status,
  upgrade,
  ...(HAS.roles && { users }),
};
