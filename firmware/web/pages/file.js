/** Files from and to the user's disk. */

/** Let the browser save `content` (a text or a Blob). */
export function save(name, content) {
  const url = URL.createObjectURL(new Blob([content]));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
