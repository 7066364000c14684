const MOST_CURSORS = 1000;

/**
 * Catches up with the server: every room held, those that are new and those that are gone.
 *
 * @param {(event: string, data: object) => Promise<any>} request
 * @param {import("./store.js").Store} store
 * @param {() => Promise<void>} listRooms learns of all rooms
 */
export async function syncAll(request, store, listRooms) {
  if (!store.state.listed) await listRooms();
  const roomIds = [...store.state.rooms.keys()];
  if (roomIds.length <= MOST_CURSORS) {
    await catchUp(request, store, () => [...store.state.rooms.keys()], false);
    return;
  }
  await syncRooms(request, store, roomIds);
  await listRooms();
}

/** Catches up in some rooms only. */
export async function syncRooms(request, store, roomIds) {
  for (let start = 0; start < roomIds.length; start += MOST_CURSORS) {
    const batch = roomIds.slice(start, start + MOST_CURSORS);
    await catchUp(request, store, () => batch, true);
  }
}

async function catchUp(request, store, roomIds, only) {
  let more = true;
  while (more) {
    const cursors = {};
    for (const roomId of roomIds()) {
      const model = store.state.rooms.get(roomId);
      if (model) cursors[roomId] = model.cursor;
    }
    const receiptsSince = only ? undefined : (store.state.receiptsAt ?? "");
    const answer = await request("sync", { cursors, only, receiptsSince });
    store.dispatch({ type: "synced", answer });
    ({ more } = answer);
  }
}
