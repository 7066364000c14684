// What is stored: people, rooms with their members and the number of their latest message, messages.

import mongoose, { Schema } from "mongoose";

const plain = { versionKey: false };

export const User = mongoose.model(
  "User",
  new Schema({ _id: String, username: String, displayName: String }, plain),
);

const rooms = new Schema({ _id: String, members: [String], seq: Number }, plain);
rooms.index({ members: 1 });
export const Room = mongoose.model("Room", rooms);

const messages = new Schema(
  {
    roomId: { type: String, required: true },
    seq: { type: Number, required: true },
    clientId: { type: String, required: true },
    senderId: { type: String, required: true },
    content: { type: String, required: true },
    createdAt: { type: Date, required: true },
  },
  plain,
);
messages.index({ roomId: 1, seq: 1 }, { unique: true });
messages.index({ roomId: 1, senderId: 1, clientId: 1 }, { unique: true });
export const Message = mongoose.model("Message", messages);

// Every write is on the disks of a majority before it is acknowledged, unless it says otherwise.
export async function connectStore(url) {
  await mongoose.connect(url, { writeConcern: { w: "majority", journal: true } });
  await Promise.all([User.init(), Room.init(), Message.init()]);
}
