// Takes the small, changing part of a component's input to the component of that name; bytes are a
// packed payload whose header names it.
export default function ({ data }) {
  const message = data instanceof Uint8Array ? unpack(data) : data;
  const target = (message.header ?? message).target;
  const board = (globalThis.mixscopeRelay ??= new Map());
  const entry = board.get(target) ?? { latest: null, listener: null };
  entry.latest = message;
  board.set(target, entry);
  if (entry.listener) entry.listener(message);
}
