/** What the gateway is, how it is connected, and which devices it has found. */

import { linkState } from "./links.js";

const PERIOD_MS = 3000;
const ALWAYS_SHOWN = ["lir", "rir", "1", "2"]; // slots that are listed even when they are off

export default async function mount(view, app) {
  const { el, t } = app;
  const show = () =>
    app.draw(
      view,
      el(
        "div.columns",
        Object.entries(facts(app)).map(([title, rows]) =>
          el(
            "section.card",
            el("h2", t(title)),
            el(
              "dl.facts",
              rows
                .filter(([, value]) => value !== undefined && value !== "")
                .map(([label, value]) => [el("dt", label), el("dd", value)]),
            ),
          ),
        ),
      ),
    );
  await app.refresh(PERIOD_MS);
  show();
  app.poll(
    PERIOD_MS,
    "/api/status",
    (status) => {
      app.showStatus(status);
      show();
    },
    PERIOD_MS,
  );
}

function facts(app) {
  const { t, status } = app;
  const row = (key, value = status[key], unit = "") => [t("status." + key), value === undefined ? undefined : value + unit];
  return {
    "status.general": [
      row("model_type"),
      row("serial_number"),
      row("connection_mode"),
      row("description"),
      row("location"),
      row("flash_size", status.flash_size, " MB"),
    ],
    "status.state": [
      row("ssid"),
      row("wifi_rssi", status.wifi_rssi, " dBm"),
      ...(HAS.modem ? [row("operator"), row("modem_rssi", status.modem_rssi, " dBm")] : []),
      row("ip_address"),
      row("mac_address"),
      row("app_status"),
      row("upgrade_status"),
      row("mqtt1_state", linkState(app, status.mqtt1_state)),
      row("mqtt2_state", linkState(app, status.mqtt2_state)),
    ],
    "status.version": [row("sw_version"), row("fs_ver"), row("hw_ver", status.hw_ver && String.fromCharCode(status.hw_ver))],
    "status.devices": devices(app),
    "status.other": [
      row("pt1000_temp", temperature(app)),
      row("dig_count"),
      row("uptime"),
      row("local_time", status.time_set === false ? t("status.no_time") : status.local_time),
    ],
  };
}

function temperature({ t, number, status }) {
  if (status.pt1000_temp === undefined) return undefined;
  if (status.pt1000_temp === "N/A") return status.pt1000_fault ? `N/A (${status.pt1000_fault})` : "N/A";
  return number(status.pt1000_temp) + " °C";
}

function devices({ el, t, status }) {
  const bySlot = new Map(status.devices.map((device) => [device.slot, device]));
  const slots = new Set([...ALWAYS_SHOWN, ...bySlot.keys()]);
  return [...slots].map((slot) => [
    t(isNaN(slot) ? "slot." + slot : "slot.rs485", { n: slot }),
    described(bySlot.get(slot), { el, t }),
  ]);
}

function described(device, { el, t }) {
  if (!device) return t("device.disabled") + " #";
  if (device.status === "not_detected") return el("span.muted", t("device.not_detected"));
  const name = `${device.model} #${device.serial}`;
  return [
    name,
    device.description && el("div.muted", device.description),
    device.status === "silent" && el("div.bad", "⚠ " + t("device.silent")),
  ];
}
