// Takes the small, changing part of a component's input to the component of that name.
export default function ({ data }) {
  const board = (globalThis.mixscopeRelay ??= new Map());
  const entry = board.get(data.target) ?? { latest: null, listener: null };
  entry.latest = data;
  board.set(data.target, entry);
  if (entry.listener) entry.listener(data);
}
