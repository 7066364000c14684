// message:send, from what a client sends to what is stored, told and acknowledged.

import { Message, Room } from "./models.mjs";

const DUPLICATE_KEY = 11000;
const CONTENT_BYTES = 16_384;
const ROOM_ID = /^[\w-]{1,32}$/;
const CLIENT_ID = /^[\w-]{16,64}$/;

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export async function send(socket, command, ack) {
  if (typeof ack !== "function") return;
  try {
    const message = await accept(socket.data.user, validated(command));
    socket.to(message.roomId).emit("message:new", {
      roomId: message.roomId,
      rev: message.rev,
      message,
    });
    ack({ ok: true, data: { message } });
  } catch (error) {
    ack({ ok: false, error: described(error) });
  }
}

function validated(command) {
  const { roomId, clientId, content } = command ?? {};
  if (typeof roomId !== "string" || !ROOM_ID.test(roomId)) throw invalid("roomId");
  if (typeof clientId !== "string" || !CLIENT_ID.test(clientId)) throw invalid("clientId");
  if (typeof content !== "string" || !content || Buffer.byteLength(content) > CONTENT_BYTES) {
    throw invalid("content");
  }
  return { roomId, clientId, content };
}

async function accept(sender, { roomId, clientId, content }) {
  const seq = await nextSeq(roomId, sender.id);
  const message = { roomId, seq, clientId, senderId: sender.id, content, createdAt: new Date() };
  try {
    return shown(await Message.create(message), sender);
  } catch (error) {
    if (error.code !== DUPLICATE_KEY || !error.keyPattern?.clientId) throw error;
    return shown(await earlier(message), sender);
  }
}

// One step of the store: whether the sender is a member, and the message's number. It need not
// be on disk by itself: the journal is in order, so the message takes it along.
async function nextSeq(roomId, senderId) {
  const room = await Room.findOneAndUpdate(
    { _id: roomId, members: senderId },
    { $inc: { seq: 1 } },
    { returnDocument: "after", projection: { seq: 1 }, lean: true, writeConcern: { w: 1 } },
  );
  if (!room) throw new Refusal("not_found", "no such room");
  return room.seq;
}

async function earlier({ roomId, senderId, clientId, content }) {
  const found = await Message.findOne({ roomId, senderId, clientId })
    .readConcern("majority")
    .lean();
  if (!found) throw new Refusal("unavailable", "the outcome is unknown: try again");
  if (found.content !== content) throw new Refusal("conflict", "another message has this clientId");
  return found;
}

function shown({ _id, roomId, seq, clientId, content, createdAt }, sender) {
  return {
    id: String(_id),
    roomId,
    seq,
    rev: seq,
    clientId,
    sender,
    messageType: "text",
    content,
    createdAt: createdAt.toISOString(),
    reactions: [],
  };
}

function invalid(field) {
  return new Refusal("invalid", `${field} is not what it should be`);
}

function described(error) {
  if (error instanceof Refusal) return { code: error.code, message: error.message };
  console.error(error);
  return { code: "unavailable", message: "the store did not answer", retryable: true };
}
