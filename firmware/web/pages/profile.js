/** Load profiles: a script of its own, loaded when it is opened. */

export default async function mount(view, app) {
  const { default: show } = await import("/lib/profile.js");
  return show(view, app);
}
